DROP INDEX `invitations_email`;--> statement-breakpoint
CREATE INDEX `invitations_email` ON `invitations` (lower("email"),`id`);--> statement-breakpoint
CREATE INDEX `projects_slug_text` ON `projects` (lower("slug"));--> statement-breakpoint
CREATE INDEX `projects_name` ON `projects` (lower("name"));--> statement-breakpoint
CREATE INDEX `organizations_name` ON `organizations` (lower("name"));--> statement-breakpoint
CREATE INDEX `roles_name_text` ON `roles` (lower("name"));--> statement-breakpoint
CREATE INDEX `teams_name_text` ON `teams` (lower("name"));