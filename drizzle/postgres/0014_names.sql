DROP INDEX "invitations_email";
--> statement-breakpoint
CREATE INDEX "roles_name_text" ON "roles" USING btree (lower("name"));
--> statement-breakpoint
CREATE INDEX "teams_name_text" ON "teams" USING btree (lower("name"));
--> statement-breakpoint
CREATE INDEX "organizations_name" ON "organizations" USING btree (lower("name"));
--> statement-breakpoint
CREATE INDEX "projects_slug_text" ON "projects" USING btree (lower("slug"));
--> statement-breakpoint
CREATE INDEX "projects_name" ON "projects" USING btree (lower("name"));
--> statement-breakpoint
CREATE INDEX "invitations_email" ON "invitations" USING btree (lower("email"),"id");
