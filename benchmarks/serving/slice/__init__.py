"""One attention GPU and one FFN GPU of Step-3 in 2A2F (16 and 16), at the true shapes."""
