"""Matrix product with dense or quantised weights."""
