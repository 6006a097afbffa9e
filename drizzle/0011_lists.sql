DROP INDEX `project_members_user`;--> statement-breakpoint
CREATE INDEX `project_members_user` ON `project_members` (`user_id`,`project_id`);--> statement-breakpoint
DROP INDEX `projects_owner`;--> statement-breakpoint
DROP INDEX `projects_organization`;--> statement-breakpoint
CREATE INDEX `projects_owner` ON `projects` (`owner_id`,`id`);--> statement-breakpoint
CREATE INDEX `projects_organization` ON `projects` (`organization_id`,`id`);--> statement-breakpoint
DROP INDEX `accounts_user`;--> statement-breakpoint
CREATE INDEX `accounts_user` ON `accounts` (`user_id`,`id`);--> statement-breakpoint
DROP INDEX `organization_members_user`;--> statement-breakpoint
CREATE INDEX `organization_members_user` ON `organization_members` (`user_id`,`organization_id`);--> statement-breakpoint
DROP INDEX `team_members_user`;--> statement-breakpoint
CREATE INDEX `team_members_user` ON `team_members` (`user_id`,`team_id`);--> statement-breakpoint
DROP INDEX `chats_project`;--> statement-breakpoint
CREATE INDEX `chats_user_created` ON `chats` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `chats_project_created` ON `chats` (`project_id`,`id`);--> statement-breakpoint
CREATE INDEX `chats_project` ON `chats` (`project_id`,`updated_at`,`id`);--> statement-breakpoint
DROP INDEX `keys_user`;--> statement-breakpoint
DROP INDEX `keys_project`;--> statement-breakpoint
CREATE INDEX `keys_user` ON `keys` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `keys_project` ON `keys` (`project_id`,`id`);--> statement-breakpoint
DROP INDEX `audit_at`;--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`,`seq`);--> statement-breakpoint
CREATE INDEX `teams_organization` ON `teams` (`organization_id`,`id`);