CREATE TABLE __kept_project_members AS SELECT * FROM project_members;
--> statement-breakpoint
CREATE TABLE __kept_projects AS SELECT * FROM projects;
--> statement-breakpoint
DROP TABLE project_members;
--> statement-breakpoint
DROP TABLE projects;
--> statement-breakpoint
CREATE TABLE `projects` (
	`id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`key_prefix` text,
	`owner_id` text NOT NULL,
	`archived_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "projects_id" CHECK("id" GLOB 'prj_*' AND length("id") = 30),
	CONSTRAINT "projects_slug_form" CHECK(length("projects"."slug") BETWEEN 1 AND 64 AND "projects"."slug" NOT GLOB '*[^a-z0-9-]*' AND "projects"."slug" NOT GLOB 'prj_*'),
	CONSTRAINT "projects_name_form" CHECK(length("projects"."name") BETWEEN 1 AND 100),
	CONSTRAINT "projects_key_prefix_form" CHECK("projects"."key_prefix" IS NULL OR length("projects"."key_prefix") BETWEEN 2 AND 12 AND "projects"."key_prefix" NOT GLOB '*[^a-z0-9]*')
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `projects_slug` ON `projects` (`slug`);
--> statement-breakpoint
CREATE INDEX `projects_owner` ON `projects` (`owner_id`);
--> statement-breakpoint
-- A project of an organization goes to the owner who joined first.
INSERT INTO projects SELECT p.id, p.slug, p.name, p.description, p.key_prefix,
  coalesce(p.owner_id, (SELECT m.user_id FROM organization_members m WHERE m.organization_id = p.organization_id
    AND ',' || replace(m.role, ' ', '') || ',' LIKE '%,owner,%' ORDER BY m.created_at, m.id LIMIT 1)),
  p.archived_at, p.created_at, p.updated_at FROM __kept_projects p;
--> statement-breakpoint
CREATE TABLE `project_members` (
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`project_id`, `user_id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "project_members_role" CHECK("project_members"."role" IN ('admin', 'member', 'viewer'))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `project_members_user` ON `project_members` (`user_id`);
--> statement-breakpoint
INSERT INTO project_members SELECT project_id, user_id, CASE WHEN role IN ('admin', 'member', 'viewer') THEN role ELSE 'viewer' END, created_at FROM __kept_project_members;
--> statement-breakpoint
DROP TABLE __kept_project_members;
--> statement-breakpoint
DROP TABLE __kept_projects;
--> statement-breakpoint
DROP TABLE `invitations`;
--> statement-breakpoint
DROP TABLE `team_members`;
--> statement-breakpoint
DROP TABLE `teams`;
--> statement-breakpoint
DROP TABLE `roles`;
--> statement-breakpoint
DROP TABLE `organization_members`;
--> statement-breakpoint
DROP TABLE `organizations`;
