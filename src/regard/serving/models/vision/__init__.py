"""How models see: pictures to tokens, tokens to embeddings."""
