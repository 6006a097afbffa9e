-- moves: usage
CREATE TABLE `series` (
	`id` integer PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`user_id` text DEFAULT '' NOT NULL,
	`project_id` text DEFAULT '' NOT NULL,
	`end_user` text DEFAULT '' NOT NULL,
	`ingest` integer DEFAULT 0 NOT NULL,
	`pending` integer DEFAULT 0 NOT NULL,
	CONSTRAINT "series_pending" CHECK("series"."pending" = 0 OR ("series"."pending" = 1 AND "series"."ingest" > 0))
) STRICT;
--> statement-breakpoint
CREATE TABLE `models` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `minutes` (
	`series` integer NOT NULL,
	`start` integer NOT NULL,
	`model` integer NOT NULL,
	`requests` integer DEFAULT 0 NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`cached_input_tokens` integer DEFAULT 0 NOT NULL,
	`cache_write_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`reasoning_tokens` integer DEFAULT 0 NOT NULL,
	`other_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micros` integer DEFAULT 0 NOT NULL,
	`unpriced_requests` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`series`, `start`, `model`),
	FOREIGN KEY (`series`) REFERENCES `series`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`model`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "minutes_counts" CHECK("minutes"."requests" >= 0 AND "minutes"."output_tokens" >= "minutes"."reasoning_tokens" AND "minutes"."reasoning_tokens" >= 0 AND "minutes"."input_tokens" >= "minutes"."cached_input_tokens" + "minutes"."cache_write_tokens" AND "minutes"."cached_input_tokens" >= 0 AND "minutes"."cache_write_tokens" >= 0 AND "minutes"."other_tokens" >= 0 AND "minutes"."cost_micros" >= 0 AND "minutes"."unpriced_requests" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `hours` (
	`series` integer NOT NULL,
	`start` integer NOT NULL,
	`model` integer NOT NULL,
	`requests` integer DEFAULT 0 NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`cached_input_tokens` integer DEFAULT 0 NOT NULL,
	`cache_write_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`reasoning_tokens` integer DEFAULT 0 NOT NULL,
	`other_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micros` integer DEFAULT 0 NOT NULL,
	`unpriced_requests` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`series`, `start`, `model`),
	FOREIGN KEY (`series`) REFERENCES `series`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`model`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "hours_counts" CHECK("hours"."requests" >= 0 AND "hours"."output_tokens" >= "hours"."reasoning_tokens" AND "hours"."reasoning_tokens" >= 0 AND "hours"."input_tokens" >= "hours"."cached_input_tokens" + "hours"."cache_write_tokens" AND "hours"."cached_input_tokens" >= 0 AND "hours"."cache_write_tokens" >= 0 AND "hours"."other_tokens" >= 0 AND "hours"."cost_micros" >= 0 AND "hours"."unpriced_requests" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `days` (
	`series` integer NOT NULL,
	`start` integer NOT NULL,
	`model` integer NOT NULL,
	`requests` integer DEFAULT 0 NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`cached_input_tokens` integer DEFAULT 0 NOT NULL,
	`cache_write_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`reasoning_tokens` integer DEFAULT 0 NOT NULL,
	`other_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micros` integer DEFAULT 0 NOT NULL,
	`unpriced_requests` integer DEFAULT 0 NOT NULL,
	`last_at` integer NOT NULL,
	PRIMARY KEY(`series`, `start`, `model`),
	FOREIGN KEY (`series`) REFERENCES `series`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`model`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "days_counts" CHECK("days"."requests" >= 0 AND "days"."output_tokens" >= "days"."reasoning_tokens" AND "days"."reasoning_tokens" >= 0 AND "days"."input_tokens" >= "days"."cached_input_tokens" + "days"."cache_write_tokens" AND "days"."cached_input_tokens" >= 0 AND "days"."cache_write_tokens" >= 0 AND "days"."other_tokens" >= 0 AND "days"."cost_micros" >= 0 AND "days"."unpriced_requests" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `departed` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `retention` (
	`single` integer PRIMARY KEY NOT NULL,
	`minutes_from` integer NOT NULL,
	`hours_from` integer NOT NULL,
	CONSTRAINT "retention_single" CHECK("retention"."single" = 1),
	CONSTRAINT "retention_times" CHECK("retention"."minutes_from" % 3600000 = 0 AND "retention"."hours_from" % 86400000 = 0 AND "retention"."hours_from" <= "retention"."minutes_from")
) STRICT;
--> statement-breakpoint
CREATE TABLE `ingests` (
	`id` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `models_name` ON `models` (`name`);
--> statement-breakpoint
CREATE UNIQUE INDEX `series_key` ON `series` (`key_id`,`end_user`,`pending`,`user_id`,`project_id`,`ingest`);
--> statement-breakpoint
CREATE INDEX `series_user` ON `series` (`user_id`,`end_user`,`pending`);
--> statement-breakpoint
CREATE INDEX `series_project` ON `series` (`project_id`,`end_user`,`pending`);
--> statement-breakpoint
INSERT INTO models (name) SELECT '' UNION SELECT model FROM usage ORDER BY 1;
--> statement-breakpoint
INSERT INTO series (key_id, user_id, project_id)
SELECT id, coalesce(user_id, ''), coalesce(project_id, '') FROM keys
WHERE id IN (SELECT key_id FROM usage) OR id IN (SELECT key_id FROM reservations) ORDER BY id;
--> statement-breakpoint
INSERT INTO retention (single, minutes_from, hours_from)
SELECT 1, coalesce(max(start + width_ms), -8640000000000000),
  coalesce(max(start + width_ms) FILTER (WHERE width_ms = 86400000), -8640000000000000)
FROM usage WHERE width_ms > 60000;
--> statement-breakpoint
INSERT INTO minutes (series, start, model, requests, input_tokens, output_tokens, other_tokens, cost_micros)
SELECT s.id, u.start / 60000, m.id, u.requests, u.input_tokens, u.output_tokens, u.other_tokens, u.cost_micros
FROM retention r CROSS JOIN usage u JOIN series s ON s.key_id = u.key_id JOIN models m ON m.name = u.model
WHERE u.width_ms = 60000 AND u.start >= r.minutes_from;
--> statement-breakpoint
INSERT INTO hours (series, start, model, requests, input_tokens, output_tokens, other_tokens, cost_micros)
SELECT s.id, (u.start - (u.start % 3600000 + 3600000) % 3600000) / 3600000, m.id, sum(u.requests), sum(u.input_tokens), sum(u.output_tokens), sum(u.other_tokens), sum(u.cost_micros)
FROM retention r CROSS JOIN usage u JOIN series s ON s.key_id = u.key_id JOIN models m ON m.name = u.model
WHERE u.width_ms <= 3600000 AND u.start >= r.hours_from GROUP BY 1, 2, 3;
--> statement-breakpoint
INSERT INTO days (series, start, model, requests, input_tokens, output_tokens, other_tokens, cost_micros, last_at)
SELECT s.id, (u.start - (u.start % 86400000 + 86400000) % 86400000) / 86400000, m.id, sum(u.requests), sum(u.input_tokens), sum(u.output_tokens), sum(u.other_tokens), sum(u.cost_micros), max(u.start)
FROM usage u JOIN series s ON s.key_id = u.key_id JOIN models m ON m.name = u.model GROUP BY 1, 2, 3;
--> statement-breakpoint
UPDATE days SET last_at = k.last_used_at FROM series s JOIN keys k ON k.id = s.key_id
WHERE s.id = days.series AND k.last_used_at >= days.start * 86400000 AND k.last_used_at < (days.start + 1) * 86400000;
--> statement-breakpoint
CREATE TABLE `__new_carried_usage` (
	`key_id` text PRIMARY KEY NOT NULL,
	`requests` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`other_tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	`last_used_at` integer,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
INSERT INTO __new_carried_usage (key_id, requests, input_tokens, output_tokens, other_tokens, cost_micros, last_used_at)
SELECT * FROM (
  SELECT k.id AS key_id, k.requests - coalesce(d.requests, 0) AS requests,
  k.input_tokens - coalesce(d.input_tokens, 0) AS input_tokens,
  k.output_tokens - coalesce(d.output_tokens, 0) AS output_tokens,
  k.other_tokens - coalesce(d.other_tokens, 0) AS other_tokens,
  k.cost_micros - coalesce(d.cost_micros, 0) AS cost_micros,
    CASE WHEN k.last_used_at > coalesce(d.last_at, -8640000000000000) THEN k.last_used_at END AS last_used_at
  FROM keys k LEFT JOIN (
    SELECT s.key_id AS key_id, sum(d.requests) AS requests, sum(d.input_tokens) AS input_tokens, sum(d.output_tokens) AS output_tokens, sum(d.other_tokens) AS other_tokens, sum(d.cost_micros) AS cost_micros, max(d.last_at) AS last_at
    FROM days d JOIN series s ON s.id = d.series GROUP BY 1
  ) d ON d.key_id = k.id
)
WHERE (requests, input_tokens, output_tokens, other_tokens, cost_micros) <> (0, 0, 0, 0, 0) OR last_used_at IS NOT NULL;
--> statement-breakpoint
DROP TABLE carried_usage;
--> statement-breakpoint
ALTER TABLE __new_carried_usage RENAME TO carried_usage;
--> statement-breakpoint
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
INSERT INTO __new_limits
  (id, key_id, user_id, project_id, metric, amount, window_ms, reset_at, reset_minute, reset_hour, reset_day)
SELECT l.id, l.key_id, l.user_id, l.project_id, l.metric, l.amount, l.window_ms, l.reset_at, l.reset_used,
  l.reset_used + coalesce((
    SELECT sum(CASE l.metric WHEN 'tokens' THEN u.input_tokens + u.output_tokens + u.other_tokens WHEN 'requests' THEN u.requests ELSE u.cost_micros END) FROM usage u JOIN keys k ON k.id = u.key_id
    WHERE (k.id = l.key_id OR k.user_id = l.user_id OR k.project_id = l.project_id)
      AND u.start >= l.reset_at - (l.reset_at % 3600000 + 3600000) % 3600000 AND u.start + u.width_ms <= l.reset_at), 0),
  l.reset_used + coalesce((
    SELECT sum(CASE l.metric WHEN 'tokens' THEN u.input_tokens + u.output_tokens + u.other_tokens WHEN 'requests' THEN u.requests ELSE u.cost_micros END) FROM usage u JOIN keys k ON k.id = u.key_id
    WHERE (k.id = l.key_id OR k.user_id = l.user_id OR k.project_id = l.project_id)
      AND u.start >= l.reset_at - (l.reset_at % 86400000 + 86400000) % 86400000 AND u.start + u.width_ms <= l.reset_at), 0)
FROM limits l;
--> statement-breakpoint
DROP TABLE limits;
--> statement-breakpoint
ALTER TABLE __new_limits RENAME TO limits;
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_key` ON `limits` (`key_id`,`metric`,`period`,`window_ms`,`models`,`each`);
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_user` ON `limits` (`user_id`,`metric`,`period`,`window_ms`,`models`,`each`);
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_project` ON `limits` (`project_id`,`metric`,`period`,`window_ms`,`models`,`each`);
--> statement-breakpoint
CREATE TABLE `__new_reservations` (
	`id` text PRIMARY KEY NOT NULL,
	`series` integer NOT NULL,
	`end_user_series` integer,
	`model` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`requests` integer NOT NULL,
	`tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	FOREIGN KEY (`series`) REFERENCES `series`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`end_user_series`) REFERENCES `series`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`model`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "reservations_id" CHECK("id" GLOB 'res_*' AND length("id") = 30),
	CONSTRAINT "reservations_counts" CHECK("__new_reservations"."requests" >= 0 AND "__new_reservations"."tokens" >= 0 AND "__new_reservations"."cost_micros" >= 0)
) STRICT;
--> statement-breakpoint
INSERT INTO __new_reservations (id, series, model, created_at, expires_at, requests, tokens, cost_micros)
SELECT r.id, s.id, m.id, r.created_at, r.expires_at, r.requests, r.tokens, r.cost_micros
FROM reservations r JOIN series s ON s.key_id = r.key_id JOIN models m ON m.name = '';
--> statement-breakpoint
DROP TABLE reservations;
--> statement-breakpoint
ALTER TABLE __new_reservations RENAME TO reservations;
--> statement-breakpoint
CREATE INDEX `reservations_series` ON `reservations` (`series`,`expires_at`);
--> statement-breakpoint
CREATE INDEX `reservations_end_user` ON `reservations` (`end_user_series`,`expires_at`);
--> statement-breakpoint
CREATE INDEX `reservations_expiry` ON `reservations` (`expires_at`);
--> statement-breakpoint
CREATE TABLE `__new_prices` (
	`model` text NOT NULL,
	`starts_at` integer NOT NULL,
	`over_tokens` integer DEFAULT 0 NOT NULL,
	`input_micros` integer NOT NULL,
	`cached_input_micros` integer,
	`cache_write_micros` integer,
	`output_micros` integer NOT NULL,
	`source` text DEFAULT 'set' NOT NULL,
	PRIMARY KEY(`model`, `starts_at`, `over_tokens`),
	CONSTRAINT "prices_amounts" CHECK("__new_prices"."over_tokens" >= 0 AND "__new_prices"."input_micros" >= 0 AND coalesce("__new_prices"."cached_input_micros", 0) >= 0 AND coalesce("__new_prices"."cache_write_micros", 0) >= 0 AND "__new_prices"."output_micros" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO __new_prices (model, starts_at, input_micros, output_micros) SELECT model, starts_at, input_micros, output_micros FROM prices;
--> statement-breakpoint
DROP TABLE prices;
--> statement-breakpoint
ALTER TABLE __new_prices RENAME TO prices;
--> statement-breakpoint
ALTER TABLE counted_events ADD ingest integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
DROP TABLE usage;
--> statement-breakpoint
ALTER TABLE keys DROP COLUMN last_used_at;
--> statement-breakpoint
ALTER TABLE keys DROP COLUMN requests;
--> statement-breakpoint
ALTER TABLE keys DROP COLUMN input_tokens;
--> statement-breakpoint
ALTER TABLE keys DROP COLUMN output_tokens;
--> statement-breakpoint
ALTER TABLE keys DROP COLUMN other_tokens;
--> statement-breakpoint
ALTER TABLE keys DROP COLUMN cost_micros;
