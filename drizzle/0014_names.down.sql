DROP INDEX `invitations_email`;
--> statement-breakpoint
CREATE INDEX `invitations_email` ON `invitations` (lower("email"));
--> statement-breakpoint
DROP INDEX `projects_slug_text`;
--> statement-breakpoint
DROP INDEX `projects_name`;
--> statement-breakpoint
DROP INDEX `organizations_name`;
--> statement-breakpoint
DROP INDEX `roles_name_text`;
--> statement-breakpoint
DROP INDEX `teams_name_text`;
