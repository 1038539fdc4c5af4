"""How rows get from attention to the FFN instances and back."""
