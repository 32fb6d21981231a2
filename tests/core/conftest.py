"""Hypothesis for the law: no clock on each example, for two cores may be busy."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "core", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("core")
