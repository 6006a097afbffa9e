-- loses: limits, series, minutes, hours, days
CREATE TABLE `__new_limits` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text,
	`user_id` text,
	`project_id` text,
	`metric` text NOT NULL,
	`amount` integer NOT NULL,
	`period` text DEFAULT 'rolling' NOT NULL,
	`window_ms` integer NOT NULL,
	`time_zone` text DEFAULT '' NOT NULL,
	`models` text DEFAULT '' NOT NULL,
	`each` integer DEFAULT 0 NOT NULL,
	`reset_at` integer,
	`reset_minute` integer DEFAULT 0 NOT NULL,
	`reset_hour` integer DEFAULT 0 NOT NULL,
	`reset_day` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "limits_id" CHECK("id" GLOB 'lim_*' AND length("id") = 30),
	CONSTRAINT "limits_subject" CHECK(("__new_limits"."key_id" IS NOT NULL) + ("__new_limits"."user_id" IS NOT NULL) + ("__new_limits"."project_id" IS NOT NULL) = 1),
	CONSTRAINT "limits_metric" CHECK("__new_limits"."metric" IN ('tokens', 'requests', 'usd', 'parallel')),
	CONSTRAINT "limits_amount" CHECK("__new_limits"."amount" >= 0),
	CONSTRAINT "limits_period" CHECK("__new_limits"."period" IN ('rolling', 'day', 'week', 'month', 'total')),
	CONSTRAINT "limits_window" CHECK(CASE "__new_limits"."period" WHEN 'rolling' THEN "__new_limits"."window_ms" BETWEEN 60000 AND 31622400000 ELSE "__new_limits"."window_ms" = 0 END),
	CONSTRAINT "limits_zone" CHECK(("__new_limits"."period" IN ('day', 'week', 'month')) = ("__new_limits"."time_zone" <> '')),
	CONSTRAINT "limits_parallel" CHECK("__new_limits"."metric" <> 'parallel' OR "__new_limits"."period" = 'total'),
	CONSTRAINT "limits_each" CHECK("__new_limits"."each" = 0 OR ("__new_limits"."each" = 1 AND "__new_limits"."user_id" IS NULL))
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_limits` SELECT id, key_id, user_id, project_id, metric, amount, period, window_ms, time_zone, models, each, reset_at, reset_minute, reset_hour, reset_day
FROM `limits` WHERE organization_id IS NULL AND team_id IS NULL AND member_id IS NULL;
--> statement-breakpoint
DROP TABLE `limits`;
--> statement-breakpoint
ALTER TABLE `__new_limits` RENAME TO `limits`;
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_key` ON `limits` (`key_id`,`metric`,`period`,`window_ms`,`models`,`each`);
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_user` ON `limits` (`user_id`,`metric`,`period`,`window_ms`,`models`,`each`);
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_project` ON `limits` (`project_id`,`metric`,`period`,`window_ms`,`models`,`each`);
--> statement-breakpoint
-- Series that differ in nothing else become one.
CREATE TABLE `__merged` AS SELECT s.id AS id, min(o.id) AS first FROM series s
JOIN series o ON (o.key_id, o.end_user, o.pending, o.user_id, o.project_id, o.ingest) = (s.key_id, s.end_user, s.pending, s.user_id, s.project_id, s.ingest)
GROUP BY s.id HAVING min(o.id) < s.id;
--> statement-breakpoint
INSERT INTO `minutes` (series, start, model, requests, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, other_tokens, cost_micros, unpriced_requests)
SELECT m.first, b.start, b.model, sum(b.requests), sum(b.input_tokens), sum(b.cached_input_tokens), sum(b.cache_write_tokens), sum(b.output_tokens), sum(b.reasoning_tokens), sum(b.other_tokens), sum(b.cost_micros), sum(b.unpriced_requests)
FROM `__merged` m JOIN `minutes` b ON b.series = m.id WHERE true GROUP BY m.first, b.start, b.model
ON CONFLICT (series, start, model) DO UPDATE SET requests = requests + excluded.requests, input_tokens = input_tokens + excluded.input_tokens, cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens, cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens, reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, other_tokens = other_tokens + excluded.other_tokens, cost_micros = cost_micros + excluded.cost_micros, unpriced_requests = unpriced_requests + excluded.unpriced_requests;
--> statement-breakpoint
DELETE FROM `minutes` WHERE series IN (SELECT id FROM `__merged`);
--> statement-breakpoint
INSERT INTO `hours` (series, start, model, requests, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, other_tokens, cost_micros, unpriced_requests)
SELECT m.first, b.start, b.model, sum(b.requests), sum(b.input_tokens), sum(b.cached_input_tokens), sum(b.cache_write_tokens), sum(b.output_tokens), sum(b.reasoning_tokens), sum(b.other_tokens), sum(b.cost_micros), sum(b.unpriced_requests)
FROM `__merged` m JOIN `hours` b ON b.series = m.id WHERE true GROUP BY m.first, b.start, b.model
ON CONFLICT (series, start, model) DO UPDATE SET requests = requests + excluded.requests, input_tokens = input_tokens + excluded.input_tokens, cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens, cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens, reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, other_tokens = other_tokens + excluded.other_tokens, cost_micros = cost_micros + excluded.cost_micros, unpriced_requests = unpriced_requests + excluded.unpriced_requests;
--> statement-breakpoint
DELETE FROM `hours` WHERE series IN (SELECT id FROM `__merged`);
--> statement-breakpoint
INSERT INTO `days` (series, start, model, requests, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, other_tokens, cost_micros, unpriced_requests, last_at)
SELECT m.first, b.start, b.model, sum(b.requests), sum(b.input_tokens), sum(b.cached_input_tokens), sum(b.cache_write_tokens), sum(b.output_tokens), sum(b.reasoning_tokens), sum(b.other_tokens), sum(b.cost_micros), sum(b.unpriced_requests), max(b.last_at)
FROM `__merged` m JOIN `days` b ON b.series = m.id WHERE true GROUP BY m.first, b.start, b.model
ON CONFLICT (series, start, model) DO UPDATE SET requests = requests + excluded.requests, input_tokens = input_tokens + excluded.input_tokens, cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens, cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, output_tokens = output_tokens + excluded.output_tokens, reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, other_tokens = other_tokens + excluded.other_tokens, cost_micros = cost_micros + excluded.cost_micros, unpriced_requests = unpriced_requests + excluded.unpriced_requests, last_at = max(last_at, excluded.last_at);
--> statement-breakpoint
DELETE FROM `days` WHERE series IN (SELECT id FROM `__merged`);
--> statement-breakpoint
UPDATE `reservations` SET series = (SELECT first FROM `__merged` WHERE id = series) WHERE series IN (SELECT id FROM `__merged`);
--> statement-breakpoint
UPDATE `reservations` SET end_user_series = (SELECT first FROM `__merged` WHERE id = end_user_series) WHERE end_user_series IN (SELECT id FROM `__merged`);
--> statement-breakpoint
DELETE FROM `series` WHERE id IN (SELECT id FROM `__merged`);
--> statement-breakpoint
DROP TABLE `__merged`;
--> statement-breakpoint
DROP INDEX `series_organization`;
--> statement-breakpoint
DROP INDEX `series_key`;
--> statement-breakpoint
DROP INDEX `series_project`;
--> statement-breakpoint
ALTER TABLE `series` DROP COLUMN `organization_id`;
--> statement-breakpoint
ALTER TABLE `series` DROP COLUMN `team_ids`;
--> statement-breakpoint
CREATE UNIQUE INDEX `series_key` ON `series` (`key_id`,`end_user`,`pending`,`user_id`,`project_id`,`ingest`);
--> statement-breakpoint
CREATE INDEX `series_project` ON `series` (`project_id`,`end_user`,`pending`);
