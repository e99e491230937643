"""Reports: static pages, Markdown and JSON made from the marts."""
