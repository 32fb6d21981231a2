"""What is wrong with something that was sent, said so that a person can mend it."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One fault: the field it is in, a sentence that says how to mend it, and its figures.

    `message` is the English sentence with `{names}`; it is also the key of its translation, so
    figures go into `params` and never into the sentence.
    """

    field: str
    message: str
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence in English with its figures filled in."""
        return self.message.format(**self.params)
