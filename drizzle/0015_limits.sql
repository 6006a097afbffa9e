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
	`organization_id` text,
	`team_id` text,
	`member_id` text,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`member_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "limits_id" CHECK("id" GLOB 'lim_*' AND length("id") = 30),
	CONSTRAINT "limits_subject" CHECK(("__new_limits"."key_id" IS NOT NULL) + ("__new_limits"."user_id" IS NOT NULL) + ("__new_limits"."project_id" IS NOT NULL) + ("__new_limits"."organization_id" IS NOT NULL) + ("__new_limits"."team_id" IS NOT NULL) = 1),
	CONSTRAINT "limits_member" CHECK("__new_limits"."member_id" IS NULL OR "__new_limits"."project_id" IS NOT NULL OR "__new_limits"."organization_id" IS NOT NULL),
	CONSTRAINT "limits_metric" CHECK("__new_limits"."metric" IN ('tokens', 'requests', 'usd', 'parallel')),
	CONSTRAINT "limits_amount" CHECK("__new_limits"."amount" >= 0),
	CONSTRAINT "limits_period" CHECK("__new_limits"."period" IN ('rolling', 'day', 'week', 'month', 'total')),
	CONSTRAINT "limits_window" CHECK(CASE "__new_limits"."period" WHEN 'rolling' THEN "__new_limits"."window_ms" BETWEEN 60000 AND 31622400000 ELSE "__new_limits"."window_ms" = 0 END),
	CONSTRAINT "limits_zone" CHECK(("__new_limits"."period" IN ('day', 'week', 'month')) = ("__new_limits"."time_zone" <> '')),
	CONSTRAINT "limits_parallel" CHECK("__new_limits"."metric" <> 'parallel' OR "__new_limits"."period" = 'total'),
	CONSTRAINT "limits_each" CHECK("__new_limits"."each" = 0 OR ("__new_limits"."each" = 1 AND "__new_limits"."user_id" IS NULL AND "__new_limits"."member_id" IS NULL))
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_limits`("id", "key_id", "user_id", "project_id", "metric", "amount", "period", "window_ms", "time_zone", "models", "each", "reset_at", "reset_minute", "reset_hour", "reset_day") SELECT "id", "key_id", "user_id", "project_id", "metric", "amount", "period", "window_ms", "time_zone", "models", "each", "reset_at", "reset_minute", "reset_hour", "reset_day" FROM `limits`;--> statement-breakpoint
DROP TABLE `limits`;--> statement-breakpoint
ALTER TABLE `__new_limits` RENAME TO `limits`;--> statement-breakpoint
CREATE UNIQUE INDEX `limits_key` ON `limits` (`key_id`,`metric`,`period`,`window_ms`,`models`,`each`);--> statement-breakpoint
CREATE UNIQUE INDEX `limits_user` ON `limits` (`user_id`,`metric`,`period`,`window_ms`,`models`,`each`);--> statement-breakpoint
CREATE UNIQUE INDEX `limits_project` ON `limits` (`project_id`,`metric`,`period`,`window_ms`,`models`,`each`) WHERE "limits"."member_id" IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `limits_organization` ON `limits` (`organization_id`,`metric`,`period`,`window_ms`,`models`,`each`) WHERE "limits"."member_id" IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `limits_team` ON `limits` (`team_id`,`metric`,`period`,`window_ms`,`models`,`each`);--> statement-breakpoint
CREATE UNIQUE INDEX `limits_project_member` ON `limits` (`project_id`,`member_id`,`metric`,`period`,`window_ms`,`models`,`each`);--> statement-breakpoint
CREATE UNIQUE INDEX `limits_organization_member` ON `limits` (`organization_id`,`member_id`,`metric`,`period`,`window_ms`,`models`,`each`);--> statement-breakpoint
CREATE INDEX `limits_member` ON `limits` (`member_id`);--> statement-breakpoint
DROP INDEX `series_key`;--> statement-breakpoint
DROP INDEX `series_project`;--> statement-breakpoint
ALTER TABLE `series` ADD `organization_id` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `series` ADD `team_ids` text DEFAULT '' NOT NULL;--> statement-breakpoint
-- What was used before belongs to the organization that owns the project now, and to the teams that the user is in now.
UPDATE `series` SET `organization_id` = (SELECT p.organization_id FROM projects p WHERE p.id = series.project_id)
WHERE pending = 0 AND project_id IN (SELECT id FROM projects WHERE organization_id IS NOT NULL);
--> statement-breakpoint
UPDATE `series` SET `team_ids` = coalesce((SELECT group_concat(m.team_id, ' ' ORDER BY m.team_id) FROM team_members m
  JOIN teams t ON t.id = m.team_id WHERE m.user_id = series.user_id AND t.organization_id = series.organization_id), '')
WHERE organization_id <> '';
--> statement-breakpoint
CREATE INDEX `series_organization` ON `series` (`organization_id`,`end_user`,`pending`,`user_id`,`team_ids`);--> statement-breakpoint
CREATE UNIQUE INDEX `series_key` ON `series` (`key_id`,`end_user`,`pending`,`user_id`,`project_id`,`ingest`,`organization_id`,`team_ids`);--> statement-breakpoint
CREATE INDEX `series_project` ON `series` (`project_id`,`end_user`,`pending`,`user_id`);
