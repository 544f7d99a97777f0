"""A lab's logo at the head of its reports: one file in the lab's home, looked at before it is taken.

What is taken is what was seen, written anew: decoders are lenient in different ways, and one that sets a report may
refuse what another showed.
"""

from __future__ import annotations

import io

from core.errors import LabError, StoreError
from core.files import read_bounded, write_whole
from core.home import home
from core.people import ADMIN, needs
from core.reports.blocks import Logo

LARGEST = 300_000
"""Bytes: it is in every report."""
WRITTEN = 2 * LARGEST
"""Bytes that it may have once it is written anew, which packs less well than some programs."""
MOST_PIXELS = 4_000_000
KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
"""How a file of each kind begins: what it is called does not count."""


def checked(data: bytes) -> Logo:
    """A logo from a file's content, written anew. Raises LabError for what is no PNG or JPEG, damaged, or too large."""
    return _checked(data, LARGEST)


def _checked(data: bytes, largest: int) -> Logo:
    from PIL import Image, ImageOps

    if len(data) > largest:
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
            seen = ImageOps.exif_transpose(image)  # which loads it
            out = io.BytesIO()
            if kind == "png":
                seen.save(out, "PNG", optimize=True)
            else:
                seen.convert("L" if seen.mode == "L" else "RGB").save(out, "JPEG", quality=95)
    except LabError:
        raise
    except Exception as error:  # whatever a damaged picture sets off in its decoder
        raise LabError(f"The logo can't be read: it is a damaged {kind.upper()} ({error}).") from None
    if out.tell() > WRITTEN:
        raise LabError(
            f"The logo has {out.tell() / 1e3:,.0f} kB once it is unpacked and packed again: make it smaller."
        )
    return Logo(out.getvalue(), kind)


def logo() -> Logo | None:
    """The lab's logo; None where it has none. Raises LabError for one that can't be used."""
    try:
        return _checked(read_bounded(home().logo, WRITTEN), WRITTEN)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabError(f"The logo {home().logo} can't be read: {error.strerror or error}.") from None


@needs(ADMIN)
def keep_logo(data: bytes) -> None:
    """Make a picture the lab's logo. Raises LabError for one that can't be, StoreError where it can't be written."""
    taken = checked(data).data
    try:
        write_whole(home().ensure().logo, taken)
    except OSError as error:
        raise StoreError(f"The logo could not be saved: {error.strerror or error}.") from error


@needs(ADMIN)
def remove_logo() -> None:
    """Have no logo any more. Raises StoreError."""
    try:
        home().logo.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"The logo could not be removed: {error.strerror or error}.") from error
