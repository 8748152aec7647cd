"""The pages of the admin: shells over Redis and the audit table, in the stock admin's own dress."""
