"""The crossMoDA challenges: vestibular schwannoma and cochlea, from ceT1 to T2."""
