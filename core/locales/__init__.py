"""Translations: one `<language>.po` file each; English texts are the keys."""
