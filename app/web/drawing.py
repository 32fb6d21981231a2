"""Where the application has its charts drawn."""

from typing import Annotated

from fastapi import Depends, Request

from app.printed.easel import Easel


def easel(request: Request) -> Easel:
    """The easel of the application."""
    found: Easel = request.app.state.easel
    return found


TheEasel = Annotated[Easel, Depends(easel)]
