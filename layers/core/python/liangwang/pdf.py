"""Draws documents as PDF (A4), with the Chinese font embedded. Only who renders imports this: it takes the layer ``documents``.

The same document gives the same bytes: no clock, no random ids. A character that the font does not have is written as its
code point, 〔U+20BB7〕, and reported: a name must never turn into an empty box.
"""

import logging
from functools import cache
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape  # nosec B406

import segno
from liangwang_fonts import SERIF
from msgspec import Struct
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from .domain.catalogue import Text
from .domain.document import Document

FONT = "NotoSerifSC"
INK, FAINT, RED, LINE = HexColor("#1a1a1a"), HexColor("#5f5f5f"), HexColor("#c8102e"), HexColor("#b9a27a")
CODE_SIDE = 44 * mm
"""Side of the QR code with its quiet zone: a module of the largest code that is drawn is 0.36 mm wide, which phones read."""


class Rendered(Struct, frozen=True):
    """A PDF, and the characters in it that the font does not have."""

    content: bytes
    missing: frozenset[str]


def render(document: Document) -> Rendered:
    """The document's pages."""
    words = _Words()
    story = _story(document, words)
    out = BytesIO()
    template = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=26 * mm,
        rightMargin=26 * mm,
        topMargin=30 * mm,
        bottomMargin=26 * mm,
        title=words.plain(document.title.zh),
        author=words.plain(document.department.zh),
        subject=document.number,
        creator="liangwang",
        producer="liangwang",
        lang="zh-CN",
        invariant=1,
    )

    def page(canvas: Canvas, layout: SimpleDocTemplate) -> None:
        _frame(canvas, document.number, layout.page)

    template.build(story, onFirstPage=page, onLaterPages=page)
    return Rendered(out.getvalue(), frozenset(words.missing))


@cache
def _font() -> TTFont:
    """The font, read once a process."""
    logging.getLogger("reportlab").setLevel(logging.WARNING)
    font = TTFont(FONT, str(SERIF))
    pdfmetrics.registerFont(font)
    return font


class _Words:
    """Texts as the font can show them; ``missing`` gathers what it cannot."""

    def __init__(self) -> None:
        self._known = _font().face.charToGlyph
        self.missing: set[str] = set()

    def plain(self, text: str) -> str:
        """The text, with the code points of characters that the font does not have."""
        return "".join(self._shown(character) for character in text)

    def marked(self, text: str) -> str:
        """The same as the markup of a paragraph."""
        return escape(self.plain(text)).replace("\n", "<br/>")

    def _shown(self, character: str) -> str:
        if ord(character) in self._known or character == "\n":
            return character
        if character.isspace():
            return " "
        self.missing.add(character)
        return f"〔U+{ord(character):04X}〕"


def _style(size: float, *, leading: float = 1.7, color: HexColor = INK, **more: Any) -> ParagraphStyle:
    _font()
    settings = {"fontName": FONT, "fontSize": size, "leading": size * leading, "textColor": color, "wordWrap": "CJK"}
    return ParagraphStyle(f"{size}", **{**settings, **more})


def _english(size: float, *, leading: float = 1.5, **more: Any) -> ParagraphStyle:
    """Lines break between words."""
    return _style(size, leading=leading, color=FAINT, wordWrap=None, **more)


def _story(document: Document, words: _Words) -> list[Flowable]:
    main, beside = _style(12), _english(8.5)
    parts: list[Flowable] = [
        Paragraph(words.marked(document.title.zh), _style(24, leading=1.4, alignment=TA_CENTER)),
        Paragraph(words.marked(document.title.en), _english(11, alignment=TA_CENTER)),
        Spacer(1, 4 * mm),
        Paragraph(words.marked(document.number), _style(10, color=FAINT, alignment=TA_RIGHT)),
        Spacer(1, 4 * mm),
    ]
    if document.opening:
        parts += [*_both(document.opening, words, _style(12, firstLineIndent=24), beside), Spacer(1, 3 * mm)]
    for number, one in enumerate(document.listed, start=1):
        parts += [Paragraph(f"{number}．{words.marked(one.zh)}", main), *_beside(one, words, beside), Spacer(1, 1 * mm)]
    if document.lines:
        parts += [Spacer(1, 2 * mm), _table(document, words), Spacer(1, 5 * mm)]
    for text in (document.closing, document.remedy):
        if text:
            parts += [*_both(text, words, _style(12, firstLineIndent=24), beside), Spacer(1, 3 * mm)]
    parts.append(KeepTogether([Spacer(1, 6 * mm), _foot(document, words)]))
    return parts


def _both(text: Text, words: _Words, main: ParagraphStyle, beside: ParagraphStyle) -> list[Flowable]:
    return [Paragraph(words.marked(text.zh), main), *_beside(text, words, beside)]


def _beside(text: Text, words: _Words, style: ParagraphStyle) -> list[Flowable]:
    return [Paragraph(words.marked(text.en), style)] if text.en and text.en != text.zh else []


def _table(document: Document, words: _Words) -> Table:
    """The lines: what each is called, and its value."""
    name, value, beside = _style(11, leading=1.45), _style(12, leading=1.5), _english(8, leading=1.4)
    rows = [
        (_both(label, words, name, beside), _both(Text(zh=text.zh, en=text.en), words, value, beside))
        for label, text in document.lines
    ]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("LINEABOVE", (0, 0), (-1, 0), 0.8, LINE),
        ("LINEBELOW", (0, -1), (-1, -1), 0.8, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]
    return Table(rows, colWidths=(38 * mm, 120 * mm), style=style)


def _foot(document: Document, words: _Words) -> Table:
    """The QR code with what it is for, and beside it the department with its seal and the day."""
    small, right = _style(7.5, leading=1.4, color=FAINT), _style(12, alignment=TA_RIGHT)
    left: list[Flowable] = [_Code(document.code)] if document.code else []
    for note in document.notes:
        left += _both(note, words, small, _english(7, leading=1.4))
    signed: list[Flowable] = [
        Spacer(1, 10 * mm),
        Paragraph(words.marked(document.department.zh), right),
        Paragraph(words.marked(document.department.en), _english(8.5, alignment=TA_RIGHT)),
        Paragraph(words.marked(document.day.zh), right),
    ]
    if document.seal:
        signed.insert(0, _Seal(words.plain(document.department.zh), words.plain(document.seal.zh)))
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    return Table([(left, signed)], colWidths=(72 * mm, 86 * mm), style=style)


class _Code(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A QR code (ISO/IEC 18004) of error correction level M, so that a fold or a stain does no harm."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self._code = segno.make_qr(content, error="m", boost_error=False)
        self.width = self.height = CODE_SIDE

    def draw(self) -> None:
        """Dark modules as one path: several thousand squares would take a page's size ten times over."""
        rows = list(self._code.matrix)
        side = CODE_SIDE / (len(rows) + 8)
        path = self.canv.beginPath()
        for down, row in enumerate(rows, start=4):
            for across, dark in enumerate(row, start=4):
                if dark:
                    path.rect(across * side, CODE_SIDE - (down + 1) * side, side, side)
        self.canv.setFillColor(HexColor("#000000"))
        self.canv.drawPath(path, stroke=0, fill=1)


class _Seal(Flowable):  # type: ignore[misc]  # reportlab has no types
    """The picture of a seal. What makes the document the department's is the signature in the QR code."""

    RADIUS = 17 * mm

    def __init__(self, around: str, below: str) -> None:
        super().__init__()
        self._around, self._below = around, below
        self.width = self.height = 0

    def draw(self) -> None:
        """A ring with the department's name around a star, over the place where the department and the day stand."""
        canvas, radius = self.canv, self.RADIUS
        canvas.saveState()
        canvas.translate(58 * mm, -20 * mm)
        canvas.setStrokeColor(RED)
        canvas.setFillColor(RED)
        canvas.setStrokeAlpha(0.75)
        canvas.setFillAlpha(0.75)
        canvas.setLineWidth(1.6)
        canvas.circle(0, 0, radius, stroke=1, fill=0)
        canvas.setFont(FONT, 20)
        canvas.drawCentredString(0, -7, "★")
        canvas.setFont(FONT, 7.5)
        canvas.drawCentredString(0, -radius + 5 * mm, self._below)
        self._draw_around(min(9.0, 150 / max(1, len(self._around))))
        canvas.restoreState()

    def _draw_around(self, size: float) -> None:
        canvas, step = self.canv, min(24.0, 250 / max(1, len(self._around)))
        canvas.setFont(FONT, size)
        for position, character in enumerate(self._around):
            canvas.saveState()
            canvas.rotate(step * ((len(self._around) - 1) / 2 - position))
            canvas.drawCentredString(0, self.RADIUS - size - 3, character)
            canvas.restoreState()


def _frame(canvas: Canvas, number: str, page: int) -> None:
    """The border, and at the foot the number and the page, so that no sheet can be taken from another document."""
    width, height = A4
    canvas.saveState()
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(1.6)
    canvas.rect(12 * mm, 12 * mm, width - 24 * mm, height - 24 * mm)
    canvas.setLineWidth(0.5)
    canvas.rect(14 * mm, 14 * mm, width - 28 * mm, height - 28 * mm)
    canvas.setFont(FONT, 8)
    canvas.setFillColor(FAINT)
    canvas.drawCentredString(width / 2, 17 * mm, f"{number}  ·  {page}")
    canvas.restoreState()
