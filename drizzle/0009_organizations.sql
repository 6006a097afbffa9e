CREATE TABLE `organizations` (
	`id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`logo` text,
	`metadata` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "organizations_id" CHECK("id" GLOB 'org_*' AND length("id") = 30),
	CONSTRAINT "organizations_slug_form" CHECK(length("organizations"."slug") BETWEEN 1 AND 200 AND "organizations"."slug" NOT GLOB 'org_*'),
	CONSTRAINT "organizations_name_form" CHECK(length("organizations"."name") > 0),
	CONSTRAINT "organizations_metadata_json" CHECK("organizations"."metadata" IS NULL OR json_valid("organizations"."metadata"))
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `organizations_slug` ON `organizations` (lower("slug"));--> statement-breakpoint
CREATE TABLE `invitations` (
	`id` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`email` text NOT NULL,
	`role` text NOT NULL,
	`team_id` text,
	`status` text NOT NULL,
	`token_hash` text,
	`inviter_id` text,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE set null,
	FOREIGN KEY (`inviter_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE set null,
	CONSTRAINT "invitations_id" CHECK("id" GLOB 'inv_*' AND length("id") = 30),
	CONSTRAINT "invitations_status" CHECK("invitations"."status" IN ('pending', 'accepted', 'rejected', 'canceled')),
	CONSTRAINT "invitations_email_form" CHECK("invitations"."email" GLOB '?*@?*'),
	CONSTRAINT "invitations_role_form" CHECK(length("invitations"."role") > 0),
	CONSTRAINT "invitations_token_form" CHECK("invitations"."token_hash" IS NULL OR length("invitations"."token_hash") = 64 AND "invitations"."token_hash" NOT GLOB '*[^0-9a-f]*')
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_token` ON `invitations` (`token_hash`);--> statement-breakpoint
CREATE INDEX `invitations_organization` ON `invitations` (`organization_id`,`id`);--> statement-breakpoint
CREATE INDEX `invitations_email` ON `invitations` (lower("email"));--> statement-breakpoint
CREATE INDEX `invitations_team` ON `invitations` (`team_id`);--> statement-breakpoint
CREATE INDEX `invitations_inviter` ON `invitations` (`inviter_id`);--> statement-breakpoint
CREATE TABLE `organization_members` (
	`id` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`user_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "organization_members_id" CHECK("id" GLOB 'mem_*' AND length("id") = 30),
	CONSTRAINT "organization_members_role_form" CHECK(length("organization_members"."role") > 0)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `organization_members_pair` ON `organization_members` (`organization_id`,`user_id`);--> statement-breakpoint
CREATE INDEX `organization_members_role` ON `organization_members` (`organization_id`,`role`);--> statement-breakpoint
CREATE INDEX `organization_members_user` ON `organization_members` (`user_id`);--> statement-breakpoint
CREATE TABLE `roles` (
	`id` text PRIMARY KEY NOT NULL,
	`organization_id` text,
	`name` text NOT NULL,
	`permissions` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "roles_id" CHECK("id" GLOB 'rol_*' AND length("id") = 30),
	CONSTRAINT "roles_name_form" CHECK(length("roles"."name") BETWEEN 1 AND 100 AND "roles"."name" NOT GLOB 'rol_*' AND "roles"."name" NOT GLOB '*,*'),
	CONSTRAINT "roles_permissions_json" CHECK(CASE WHEN json_valid("roles"."permissions") THEN json_type("roles"."permissions") = 'array' ELSE 1 = 0 END)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `roles_name` ON `roles` (`organization_id`,lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX `roles_name_of_all` ON `roles` (lower("name")) WHERE "roles"."organization_id" IS NULL;--> statement-breakpoint
CREATE TABLE `team_members` (
	`id` text PRIMARY KEY NOT NULL,
	`team_id` text NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "team_members_id" CHECK("id" GLOB 'tmm_*' AND length("id") = 30)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `team_members_pair` ON `team_members` (`team_id`,`user_id`);--> statement-breakpoint
CREATE INDEX `team_members_user` ON `team_members` (`user_id`);--> statement-breakpoint
CREATE TABLE `teams` (
	`id` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "teams_id" CHECK("id" GLOB 'tea_*' AND length("id") = 30),
	CONSTRAINT "teams_name_form" CHECK(length("teams"."name") BETWEEN 1 AND 200 AND "teams"."name" NOT GLOB 'tea_*')
) STRICT;
--> statement-breakpoint
CREATE INDEX `teams_name` ON `teams` (`organization_id`,lower("name"));--> statement-breakpoint
CREATE TABLE `__new_project_members` (
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`project_id`, `user_id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "project_members_role_form" CHECK(length("__new_project_members"."role") > 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `__new_project_members`("project_id", "user_id", "role", "created_at") SELECT "project_id", "user_id", "role", "created_at" FROM `project_members`;--> statement-breakpoint
DROP TABLE `project_members`;--> statement-breakpoint
ALTER TABLE `__new_project_members` RENAME TO `project_members`;--> statement-breakpoint
CREATE INDEX `project_members_user` ON `project_members` (`user_id`);--> statement-breakpoint
CREATE TABLE `__new_projects` (
	`id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`key_prefix` text,
	`owner_id` text,
	`archived_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`organization_id` text,
	`state` text DEFAULT 'idle' NOT NULL,
	`preview_url` text,
	`sandbox_id` text,
	FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE restrict,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "projects_id" CHECK("id" GLOB 'prj_*' AND length("id") = 30),
	CONSTRAINT "projects_one_owner" CHECK(("__new_projects"."owner_id" IS NOT NULL) + ("__new_projects"."organization_id" IS NOT NULL) = 1),
	CONSTRAINT "projects_state" CHECK("__new_projects"."state" IN ('idle', 'generating', 'complete', 'error')),
	CONSTRAINT "projects_slug_form" CHECK(length("__new_projects"."slug") BETWEEN 1 AND 64 AND "__new_projects"."slug" NOT GLOB '*[^a-z0-9-]*' AND "__new_projects"."slug" NOT GLOB 'prj_*'),
	CONSTRAINT "projects_name_form" CHECK(length("__new_projects"."name") BETWEEN 1 AND 100),
	CONSTRAINT "projects_key_prefix_form" CHECK("__new_projects"."key_prefix" IS NULL OR length("__new_projects"."key_prefix") BETWEEN 2 AND 12 AND "__new_projects"."key_prefix" NOT GLOB '*[^a-z0-9]*')
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_projects` (`id`, `slug`, `name`, `description`, `key_prefix`, `owner_id`, `archived_at`, `created_at`, `updated_at`) SELECT `id`, `slug`, `name`, `description`, `key_prefix`, `owner_id`, `archived_at`, `created_at`, `updated_at` FROM `projects`;--> statement-breakpoint
DROP TABLE `projects`;--> statement-breakpoint
ALTER TABLE `__new_projects` RENAME TO `projects`;--> statement-breakpoint
CREATE UNIQUE INDEX `projects_slug` ON `projects` (`slug`);--> statement-breakpoint
CREATE INDEX `projects_owner` ON `projects` (`owner_id`);--> statement-breakpoint
CREATE INDEX `projects_organization` ON `projects` (`organization_id`);--> statement-breakpoint
INSERT INTO `roles` (`id`, `organization_id`, `name`, `permissions`, `created_at`, `updated_at`) VALUES
  ('rol_00000000000000000000000001', NULL, 'owner', '["*"]', 0, 0),
  ('rol_00000000000000000000000002', NULL, 'admin', '["org:read","org:write","member:*","invitation:*","team:*","role:*","project:*","key:*","limit:*","usage:*","file:*","state:*","chat:*"]', 0, 0),
  ('rol_00000000000000000000000003', NULL, 'member', '["org:read","member:read","team:read","role:read","project:read","project:write","key:read","limit:read","usage:read","file:*","state:*","chat:*"]', 0, 0),
  ('rol_00000000000000000000000004', NULL, 'viewer', '["org:read","member:read","team:read","role:read","project:read","key:read","limit:read","usage:read","file:read","state:read","chat:read"]', 0, 0);
