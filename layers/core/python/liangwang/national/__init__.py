"""国家交换表: items and cases as rows of the national exchange tables (GB/T 39046-2020), and back (docs/data-standards.md)."""
