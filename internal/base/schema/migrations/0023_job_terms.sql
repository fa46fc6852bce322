-- allowed: how many attempts a job has at first, and again when somebody retries it. tried_for: for how many microseconds its handler goes on trying, whatever the number
-- of attempts; 0: that number decides.
-- owner: job
ALTER TABLE job ADD COLUMN allowed INTEGER NOT NULL DEFAULT 10;
ALTER TABLE job ADD COLUMN tried_for BIGINT NOT NULL DEFAULT 0;
UPDATE job SET allowed = max_attempts WHERE state <> 'running' AND attempts = 0;
