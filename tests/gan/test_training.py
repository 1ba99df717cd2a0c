"""The shared loop's schedule."""

from past_gan.training import Schedule


def test_the_rate_is_constant_and_then_falls_linearly_to_zero():
    schedule = Schedule(iterations=8, learning_rate=2.0, checkpoint_interval=1)
    assert [schedule.rate(step) for step in range(9)] == [2, 2, 2, 2, 2, 1.5, 1, 0.5, 0]
