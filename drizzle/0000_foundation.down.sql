DROP TABLE `imported_keys`;
--> statement-breakpoint
DROP TABLE `imports`;
--> statement-breakpoint
DROP TABLE `audit`;
--> statement-breakpoint
DROP TABLE `carried_usage`;
--> statement-breakpoint
DROP TABLE `usage`;
--> statement-breakpoint
DROP TABLE `limits`;
--> statement-breakpoint
DROP TABLE `secrets`;
--> statement-breakpoint
DROP TABLE `keys`;
--> statement-breakpoint
DROP TABLE `project_members`;
--> statement-breakpoint
DROP TABLE `projects`;
--> statement-breakpoint
DROP TABLE `users`;
