DROP INDEX `project_members_user`;
--> statement-breakpoint
DROP INDEX `projects_owner`;
--> statement-breakpoint
DROP INDEX `projects_organization`;
--> statement-breakpoint
DROP INDEX `accounts_user`;
--> statement-breakpoint
DROP INDEX `organization_members_user`;
--> statement-breakpoint
DROP INDEX `team_members_user`;
--> statement-breakpoint
DROP INDEX `chats_user_created`;
--> statement-breakpoint
DROP INDEX `chats_project_created`;
--> statement-breakpoint
DROP INDEX `chats_project`;
--> statement-breakpoint
DROP INDEX `keys_user`;
--> statement-breakpoint
DROP INDEX `keys_project`;
--> statement-breakpoint
DROP INDEX `audit_at`;
--> statement-breakpoint
DROP INDEX `teams_organization`;
--> statement-breakpoint
CREATE INDEX `project_members_user` ON `project_members` (`user_id`);
--> statement-breakpoint
CREATE INDEX `projects_owner` ON `projects` (`owner_id`);
--> statement-breakpoint
CREATE INDEX `projects_organization` ON `projects` (`organization_id`);
--> statement-breakpoint
CREATE INDEX `accounts_user` ON `accounts` (`user_id`);
--> statement-breakpoint
CREATE INDEX `organization_members_user` ON `organization_members` (`user_id`);
--> statement-breakpoint
CREATE INDEX `team_members_user` ON `team_members` (`user_id`);
--> statement-breakpoint
CREATE INDEX `chats_project` ON `chats` (`project_id`);
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`);
--> statement-breakpoint
CREATE INDEX `keys_user` ON `keys` (`user_id`);
--> statement-breakpoint
CREATE INDEX `keys_project` ON `keys` (`project_id`);
