"""Errors of everything that leaves the building.

Exception
└── DeliveryError    this attempt failed; the text says why, for people, and may be stored
"""


class DeliveryError(Exception):
    """This attempt failed; trying again may help. The text holds no secret."""
