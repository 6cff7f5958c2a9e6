"""What commands print, draw and save."""
