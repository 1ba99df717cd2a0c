"""The built-in data set: a digital head phantom, made from a seed, in crossMoDA's layout.

``anatomy`` draws a subject and fills space with tissues, ``signal`` turns tissues into
an MR image, ``dataset`` writes the folders and opens them.
"""
