"""What a person or a script does from outside: import data, start and follow runs, fetch models. Knows no terminal."""
