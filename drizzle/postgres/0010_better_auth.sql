ALTER TABLE "accounts" DROP CONSTRAINT "accounts_id";
--> statement-breakpoint
ALTER TABLE "sessions" DROP CONSTRAINT "sessions_id";
--> statement-breakpoint
ALTER TABLE "verifications" DROP CONSTRAINT "verifications_id";
--> statement-breakpoint
ALTER TABLE "invitations" DROP CONSTRAINT "invitations_id";
--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "additional_fields" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "additional_fields" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "additional_fields" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_id" CHECK (length("id") BETWEEN 1 AND 200);
--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_id" CHECK (length("id") BETWEEN 1 AND 200);
--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_id" CHECK (length("id") BETWEEN 1 AND 200);
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_id" CHECK (length("id") BETWEEN 1 AND 200);
