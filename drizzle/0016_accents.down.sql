-- On SQLite, accents do not matter already.
SELECT 1;
