"""How every report answers: the one document in the form that was asked for."""

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from app.service.document import Document
from app.web.problems import language_of
from app.web.reports.told import told


def answer(request: Request, document: Document) -> Response:
    """A document as the caller wants it."""
    return JSONResponse(told(document, language_of(request)))
