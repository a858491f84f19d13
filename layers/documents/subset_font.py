"""Makes liangwang_fonts/NotoSerifSC-subset.ttf anew: run by hand, when characters are to be added.

    pip install fonttools pylopdf-fonts-zh-cn pypinyin-dict pypinyin
    python layers/documents/subset_font.py

The font is taken from the package as Noto publishes it, with cubic outlines (CFF); what is kept of it is converted to
quadratic ones, which is what ReportLab embeds. An outline moves by at most a thousandth of the em.
"""

from pathlib import Path

import pylopdf_fonts_zh_cn
from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable
from pypinyin_dict.pinyin_data import kmandarin_8105

SOURCE = Path(pylopdf_fonts_zh_cn.__file__).parent / "NotoSerifSC-Regular.otf"
TARGET = Path(__file__).parent / "python" / "liangwang_fonts" / "NotoSerifSC-subset.ttf"
RANGES = ((0x20, 0x7F), (0xA0, 0x100), (0x2010, 0x2050), (0x3000, 0x3020), (0xFF01, 0xFF5F))
SIGNS = "℃￥〇□○●☑√★"
NO_LIMITS = (
    "maxTwilightPoints",
    "maxStorage",
    "maxFunctionDefs",
    "maxInstructionDefs",
    "maxStackElements",
    "maxSizeOfInstructions",
    "maxComponentElements",
    "maxPoints",
    "maxContours",
    "maxCompositePoints",
    "maxCompositeContours",
    "maxComponentDepth",
)


def wanted() -> set[int]:
    """The code points: 《通用规范汉字表》, GB 2312, Latin-1, punctuation and a few signs."""
    found = {ord(sign) for sign in SIGNS} | {code for first, after in RANGES for code in range(first, after)}
    found |= set(kmandarin_8105.pinyin_dict)
    for high in range(0xA1, 0xF8):
        row = bytes(byte for low in range(0xA1, 0xFF) for byte in (high, low))
        found |= {ord(character) for character in row.decode("gb2312", errors="ignore")}
    return found


def main() -> None:
    """Subsets, converts, writes."""
    font = TTFont(SOURCE)
    options = subset.Options(layout_features=[], name_IDs=["*"], hinting=False, notdef_outline=True)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(font)
    glyphs, order = font.getGlyphSet(), font.getGlyphOrder()
    outlines = {}
    for name in order:
        pen = TTGlyphPen(glyphs)
        glyphs[name].draw(Cu2QuPen(pen, 1.0, reverse_direction=True))
        outlines[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, outlines
    del font["CFF "]
    font["maxp"].tableVersion, font["maxp"].maxZones = 0x00010000, 1
    for name in NO_LIMITS:
        setattr(font["maxp"], name, 0)
    font["post"].formatType, font["post"].extraNames, font["post"].mapping = 3.0, [], {}
    font.sfntVersion = "\x00\x01\x00\x00"
    font.save(TARGET)


if __name__ == "__main__":
    main()
