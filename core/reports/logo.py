"""A lab's logo at the head of its reports: one file in the lab's home, looked at before it is taken."""

from __future__ import annotations

import io

from core.errors import LabError, StoreError
from core.files import read_bounded, write_whole
from core.home import home
from core.reports.blocks import Logo

LARGEST = 300_000
"""Bytes: it is in every report."""
MOST_PIXELS = 4_000_000
KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
"""How a file of each kind begins: what it is called does not count."""


def checked(data: bytes) -> Logo:
    """A logo from a file's content. Raises LabError for what is no PNG or JPEG, damaged, or too large."""
    from PIL import Image

    if len(data) > LARGEST:
        raise LabError(
            f"The logo has {len(data) / 1e3:,.0f} kB and is in every report: make it {LARGEST / 1e3:.0f} kB or less."
        )
    kind = next((kind for begins, kind in KINDS.items() if data.startswith(begins)), None)
    if kind is None:
        raise LabError("The logo is no PNG and no JPEG, by its content; save it as one of these.")
    try:
        with Image.open(io.BytesIO(data), formats=[kind.upper()]) as image:
            width, height = image.size  # known before anything is unpacked
            if width * height > MOST_PIXELS:
                raise LabError(
                    f"The logo has {width:,} × {height:,} pixels; make it {MOST_PIXELS / 1e6:.0f} million or fewer."
                )
            image.load()
    except LabError:
        raise
    except Exception as error:  # whatever a damaged picture sets off in its decoder
        raise LabError(f"The logo can't be read: it is a damaged {kind.upper()} ({error}).") from None
    return Logo(data, kind)


def logo() -> Logo | None:
    """The lab's logo; None where it has none. Raises LabError for one that can't be used."""
    try:
        return checked(read_bounded(home().logo, LARGEST))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabError(f"The logo {home().logo} can't be read: {error.strerror or error}.") from None


def keep_logo(data: bytes) -> None:
    """Make a picture the lab's logo. Raises LabError for one that can't be, StoreError where it can't be written."""
    checked(data)
    try:
        write_whole(home().ensure().logo, data)
    except OSError as error:
        raise StoreError(f"The logo could not be saved: {error.strerror or error}.") from error


def remove_logo() -> None:
    """Have no logo any more. Raises StoreError."""
    try:
        home().logo.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"The logo could not be removed: {error.strerror or error}.") from error
