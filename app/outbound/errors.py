"""Errors of everything that leaves the building.

Exception
└── DeliveryError        this attempt failed; the text says why, for people, and may be stored
    ├── OutOfReachError  the address is not for us to call
    └── GoneError        the receiver says that nobody is there any more
"""


class DeliveryError(Exception):
    """This attempt failed; trying again may help. The text holds no secret."""


class OutOfReachError(DeliveryError):
    """The address is not for us to call, by what the operator has set."""


class GoneError(DeliveryError):
    """The receiver says that nobody is there any more (410): trying again annoys it."""
