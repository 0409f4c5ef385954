-- Does the warehouse run? Asking starts it.
SELECT
  1 AS awake
