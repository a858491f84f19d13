"""The font that documents are set in; docs/decisions/document-fonts.md tells where it is from and what it holds."""

from pathlib import Path

SERIF = Path(__file__).parent / "NotoSerifSC-subset.ttf"
"""Noto Serif SC, Regular, with TrueType outlines: 《通用规范汉字表》, GB 2312, Latin-1 and punctuation. OFL 1.1 (OFL.txt)."""
