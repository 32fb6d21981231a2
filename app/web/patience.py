"""How long the server waits for the next part of a body: a client may stop sending for ever."""

from asyncio import timeout

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = 60.0  # ours; as long as proxies wait (nginx client_body_timeout)


class Patience:
    """Takes a client for gone, and hangs up, if no part of its body comes for some seconds.

    A long upload may take hours as long as it moves. What was taken in of it before stays; the
    sender sees no receipt and sends again.
    """

    def __init__(self, app: ASGIApp, seconds: float = SECONDS) -> None:
        """Wrap an application."""
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with a receive that does not wait for ever while the body is not whole."""
        whole, gone = scope["type"] != "http", False

        async def patient() -> Message:
            nonlocal whole, gone
            if gone:
                return {"type": "http.disconnect"}
            if whole:  # whoever waits now waits for the caller to hang up
                return await receive()
            try:
                async with timeout(self._seconds):
                    message = await receive()
            except TimeoutError:
                gone = True
                return {"type": "http.disconnect"}
            whole = not message.get("more_body", False)
            return message

        async def last(message: Message) -> None:
            if gone and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self._app(scope, patient, last)
