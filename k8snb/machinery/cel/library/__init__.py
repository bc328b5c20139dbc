"""What expressions can call: tables of signatures and functions, one module per library."""
