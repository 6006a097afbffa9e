DROP INDEX "accounts_user";
--> statement-breakpoint
DROP INDEX "audit_at";
--> statement-breakpoint
DROP INDEX "chats_project";
--> statement-breakpoint
DROP INDEX "keys_user";
--> statement-breakpoint
DROP INDEX "keys_project";
--> statement-breakpoint
DROP INDEX "organization_members_user";
--> statement-breakpoint
DROP INDEX "team_members_user";
--> statement-breakpoint
DROP INDEX "project_members_user";
--> statement-breakpoint
DROP INDEX "projects_owner";
--> statement-breakpoint
DROP INDEX "projects_organization";
--> statement-breakpoint
CREATE INDEX "chats_user_created" ON "chats" USING btree ("user_id","id");
--> statement-breakpoint
CREATE INDEX "chats_project_created" ON "chats" USING btree ("project_id","id");
--> statement-breakpoint
CREATE INDEX "teams_organization" ON "teams" USING btree ("organization_id","id");
--> statement-breakpoint
CREATE INDEX "accounts_user" ON "accounts" USING btree ("user_id","id");
--> statement-breakpoint
CREATE INDEX "audit_at" ON "audit" USING btree ("at","seq");
--> statement-breakpoint
CREATE INDEX "chats_project" ON "chats" USING btree ("project_id","updated_at","id");
--> statement-breakpoint
CREATE INDEX "keys_user" ON "keys" USING btree ("user_id","id");
--> statement-breakpoint
CREATE INDEX "keys_project" ON "keys" USING btree ("project_id","id");
--> statement-breakpoint
CREATE INDEX "organization_members_user" ON "organization_members" USING btree ("user_id","organization_id");
--> statement-breakpoint
CREATE INDEX "team_members_user" ON "team_members" USING btree ("user_id","team_id");
--> statement-breakpoint
CREATE INDEX "project_members_user" ON "project_members" USING btree ("user_id","project_id");
--> statement-breakpoint
CREATE INDEX "projects_owner" ON "projects" USING btree ("owner_id","id");
--> statement-breakpoint
CREATE INDEX "projects_organization" ON "projects" USING btree ("organization_id","id");
