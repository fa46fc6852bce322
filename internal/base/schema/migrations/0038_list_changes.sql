-- How often what a list of these patches depends on has changed, and how often patches came, went, or got another name or date (each patch that comes once, by the count). Both only rise:
-- while the sums of a list are the same, what was found in it is true.
-- owner: patch
ALTER TABLE patch_count ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE patch_count ADD COLUMN arrivals BIGINT NOT NULL DEFAULT 0;
