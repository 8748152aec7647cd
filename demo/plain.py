"""Text from elsewhere, made fit for a terminal."""


def plain(text: str) -> str:
    """Return the text with everything unprintable replaced: a browser's name must not move the cursor."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
