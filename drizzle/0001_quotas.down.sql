DROP INDEX `secrets_request`;
--> statement-breakpoint
ALTER TABLE `secrets` DROP COLUMN `request_id`;
--> statement-breakpoint
ALTER TABLE `limits` DROP COLUMN `reset_used`;
--> statement-breakpoint
ALTER TABLE `limits` DROP COLUMN `reset_at`;
--> statement-breakpoint
DROP TABLE `reservations`;
--> statement-breakpoint
DROP TABLE `prices`;
--> statement-breakpoint
DROP TABLE `counted_files`;
--> statement-breakpoint
DROP TABLE `counted_events`;
