-- moves: series, models, minutes, hours, days, retention, carried_usage.input_tokens, carried_usage.output_tokens, carried_usage.other_tokens, carried_usage.last_used_at, reservations.series, reservations.model, limits.reset_minute, limits.reset_hour, limits.reset_day, counted_events.ingest
-- loses: days.cached_input_tokens, days.cache_write_tokens, days.reasoning_tokens, days.unpriced_requests, series.end_user
CREATE TABLE `usage` (
	`key_id` text NOT NULL,
	`start` integer NOT NULL,
	`model` text NOT NULL,
	`width_ms` integer DEFAULT 60000 NOT NULL,
	`requests` integer DEFAULT 0 NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`other_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micros` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`key_id`, `start`, `model`),
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "usage_width" CHECK("usage"."width_ms" IN (60000, 3600000, 86400000)),
	CONSTRAINT "usage_start" CHECK("usage"."start" % "usage"."width_ms" = 0),
	CONSTRAINT "usage_counts" CHECK("usage"."requests" >= 0 AND "usage"."input_tokens" >= 0 AND "usage"."output_tokens" >= 0 AND "usage"."other_tokens" >= 0 AND "usage"."cost_micros" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `usage_start` ON `usage` (`start`);
--> statement-breakpoint
INSERT INTO usage (key_id, start, model, width_ms, requests, input_tokens, output_tokens, other_tokens, cost_micros)
SELECT s.key_id, b.start * 86400000, m.name, 86400000, sum(b.requests), sum(b.input_tokens), sum(b.output_tokens), sum(b.other_tokens), sum(b.cost_micros)
FROM retention r CROSS JOIN days b JOIN series s ON s.id = b.series JOIN models m ON m.id = b.model JOIN keys k ON k.id = s.key_id
WHERE s.end_user = '' AND s.pending = 0 AND b.start * 86400000 < r.hours_from GROUP BY 1, 2, 3;
--> statement-breakpoint
INSERT INTO usage (key_id, start, model, width_ms, requests, input_tokens, output_tokens, other_tokens, cost_micros)
SELECT s.key_id, b.start * 3600000, m.name, 3600000, sum(b.requests), sum(b.input_tokens), sum(b.output_tokens), sum(b.other_tokens), sum(b.cost_micros)
FROM retention r CROSS JOIN hours b JOIN series s ON s.id = b.series JOIN models m ON m.id = b.model JOIN keys k ON k.id = s.key_id
WHERE s.end_user = '' AND s.pending = 0 AND b.start * 3600000 >= r.hours_from AND b.start * 3600000 < r.minutes_from GROUP BY 1, 2, 3;
--> statement-breakpoint
INSERT INTO usage (key_id, start, model, width_ms, requests, input_tokens, output_tokens, other_tokens, cost_micros)
SELECT s.key_id, b.start * 60000, m.name, 60000, sum(b.requests), sum(b.input_tokens), sum(b.output_tokens), sum(b.other_tokens), sum(b.cost_micros)
FROM retention r CROSS JOIN minutes b JOIN series s ON s.id = b.series JOIN models m ON m.id = b.model JOIN keys k ON k.id = s.key_id
WHERE s.end_user = '' AND s.pending = 0 AND b.start * 60000 >= r.minutes_from GROUP BY 1, 2, 3;
--> statement-breakpoint
CREATE TABLE __kept_keys AS SELECT * FROM keys;
--> statement-breakpoint
DROP TABLE keys;
--> statement-breakpoint
CREATE TABLE `keys` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`user_id` text,
	`project_id` text,
	`model` text,
	`allowed_models` text,
	`scopes` text NOT NULL,
	`metadata` text,
	`expires_at` integer,
	`disabled_at` integer,
	`revoked_at` integer,
	`revoked_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_used_at` integer,
	`requests` integer DEFAULT 0 NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`other_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micros` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE restrict,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "keys_id" CHECK("id" GLOB 'key_*' AND length("id") = 30),
	CONSTRAINT "keys_name_form" CHECK(length("keys"."name") BETWEEN 1 AND 100 AND "keys"."name" NOT GLOB 'key_*' AND "keys"."name" <> '-'),
	CONSTRAINT "keys_allowed_models_json" CHECK("keys"."allowed_models" IS NULL OR json_type("keys"."allowed_models") = 'array'),
	CONSTRAINT "keys_scopes_json" CHECK(json_type("keys"."scopes") = 'array'),
	CONSTRAINT "keys_metadata_json" CHECK("keys"."metadata" IS NULL OR json_valid("keys"."metadata")),
	CONSTRAINT "keys_revoked_reason" CHECK("keys"."revoked_reason" IS NULL OR "keys"."revoked_at" IS NOT NULL)
) STRICT;
--> statement-breakpoint
INSERT INTO keys
SELECT k.id, k.name, k.user_id, k.project_id, k.model, k.allowed_models, k.scopes, k.metadata, k.expires_at, k.disabled_at, k.revoked_at, k.revoked_reason, k.created_at, k.updated_at, a.last_at,
  coalesce(a.requests, 0), coalesce(a.input_tokens, 0), coalesce(a.output_tokens, 0), coalesce(a.other_tokens, 0), coalesce(a.cost_micros, 0)
FROM __kept_keys k LEFT JOIN (
  SELECT key_id, sum(requests) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(other_tokens) AS other_tokens, sum(cost_micros) AS cost_micros, max(last_at) AS last_at FROM (
    SELECT s.key_id AS key_id, d.requests AS requests, d.input_tokens AS input_tokens, d.output_tokens AS output_tokens, d.other_tokens AS other_tokens, d.cost_micros AS cost_micros, d.last_at AS last_at
    FROM days d JOIN series s ON s.id = d.series WHERE s.end_user = '' AND s.pending = 0
    UNION ALL SELECT key_id, requests, input_tokens, output_tokens, other_tokens, cost_micros, last_used_at FROM carried_usage
  ) GROUP BY 1
) a ON a.key_id = k.id;
--> statement-breakpoint
DROP TABLE __kept_keys;
--> statement-breakpoint
CREATE UNIQUE INDEX `keys_name` ON `keys` (lower("name"));
--> statement-breakpoint
CREATE INDEX `keys_project` ON `keys` (`project_id`);
--> statement-breakpoint
CREATE INDEX `keys_user` ON `keys` (`user_id`);
--> statement-breakpoint
CREATE TABLE __kept_carried_usage AS SELECT * FROM carried_usage;
--> statement-breakpoint
DROP TABLE carried_usage;
--> statement-breakpoint
CREATE TABLE `carried_usage` (
	`key_id` text PRIMARY KEY NOT NULL,
	`requests` integer NOT NULL,
	`tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
INSERT INTO carried_usage SELECT key_id, requests, input_tokens + output_tokens + other_tokens, cost_micros FROM __kept_carried_usage
WHERE (requests, input_tokens + output_tokens + other_tokens, cost_micros) <> (0, 0, 0);
--> statement-breakpoint
DROP TABLE __kept_carried_usage;
--> statement-breakpoint
CREATE TABLE __kept_limits AS SELECT * FROM limits;
--> statement-breakpoint
DROP TABLE limits;
--> statement-breakpoint
CREATE TABLE `limits` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text,
	`user_id` text,
	`project_id` text,
	`metric` text NOT NULL,
	`amount` integer NOT NULL,
	`window_ms` integer NOT NULL, `reset_at` integer, `reset_used` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "limits_id" CHECK("id" GLOB 'lim_*' AND length("id") = 30),
	CONSTRAINT "limits_subject" CHECK(("limits"."key_id" IS NOT NULL) + ("limits"."user_id" IS NOT NULL) + ("limits"."project_id" IS NOT NULL) = 1),
	CONSTRAINT "limits_metric" CHECK("limits"."metric" IN ('tokens', 'requests', 'usd')),
	CONSTRAINT "limits_amount" CHECK("limits"."amount" >= 0),
	CONSTRAINT "limits_window" CHECK("limits"."window_ms" BETWEEN 60000 AND 31622400000)
) STRICT;
--> statement-breakpoint
INSERT INTO limits SELECT id, key_id, user_id, project_id, metric, amount, window_ms, reset_at, reset_minute FROM __kept_limits
WHERE period = 'rolling' AND metric <> 'parallel' AND models = '' AND each = 0;
--> statement-breakpoint
DROP TABLE __kept_limits;
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_key` ON `limits` (`key_id`,`metric`,`window_ms`);
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_project` ON `limits` (`project_id`,`metric`,`window_ms`);
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_user` ON `limits` (`user_id`,`metric`,`window_ms`);
--> statement-breakpoint
CREATE TABLE __kept_reservations AS SELECT * FROM reservations;
--> statement-breakpoint
DROP TABLE reservations;
--> statement-breakpoint
CREATE TABLE `reservations` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`requests` integer NOT NULL,
	`tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "reservations_id" CHECK("id" GLOB 'res_*' AND length("id") = 30),
	CONSTRAINT "reservations_counts" CHECK("reservations"."requests" >= 0 AND "reservations"."tokens" >= 0 AND "reservations"."cost_micros" >= 0)
) STRICT;
--> statement-breakpoint
INSERT INTO reservations SELECT r.id, s.key_id, r.created_at, r.expires_at, r.requests, r.tokens, r.cost_micros
FROM __kept_reservations r JOIN series s ON s.id = r.series JOIN keys k ON k.id = s.key_id;
--> statement-breakpoint
DROP TABLE __kept_reservations;
--> statement-breakpoint
CREATE INDEX `reservations_expiry` ON `reservations` (`expires_at`);
--> statement-breakpoint
CREATE INDEX `reservations_key` ON `reservations` (`key_id`,`expires_at`);
--> statement-breakpoint
CREATE TABLE __kept_prices AS SELECT * FROM prices;
--> statement-breakpoint
DROP TABLE prices;
--> statement-breakpoint
CREATE TABLE `prices` (
	`model` text NOT NULL,
	`starts_at` integer NOT NULL,
	`input_micros` integer NOT NULL,
	`output_micros` integer NOT NULL,
	PRIMARY KEY(`model`, `starts_at`),
	CONSTRAINT "prices_amounts" CHECK("prices"."input_micros" >= 0 AND "prices"."output_micros" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO prices SELECT model, starts_at, input_micros, output_micros FROM __kept_prices WHERE over_tokens = 0;
--> statement-breakpoint
DROP TABLE __kept_prices;
--> statement-breakpoint
ALTER TABLE counted_events DROP COLUMN ingest;
--> statement-breakpoint
DROP TABLE ingests;
--> statement-breakpoint
DROP TABLE retention;
--> statement-breakpoint
DROP TABLE departed;
--> statement-breakpoint
DROP TABLE days;
--> statement-breakpoint
DROP TABLE hours;
--> statement-breakpoint
DROP TABLE minutes;
--> statement-breakpoint
DROP TABLE models;
--> statement-breakpoint
DROP TABLE series;
