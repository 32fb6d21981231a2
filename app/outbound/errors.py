"""Errors of everything that leaves the building.

Exception
└── DeliveryError        this attempt failed; the text says why, for people, and may be stored
    └── OutOfReachError  the address is not for us to call
"""


class DeliveryError(Exception):
    """This attempt failed; trying again may help. The text holds no secret."""


class OutOfReachError(DeliveryError):
    """The address is not for us to call, by what the operator has set."""
