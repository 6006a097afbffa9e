ALTER TABLE "limits" DROP CONSTRAINT "limits_subject";
--> statement-breakpoint
ALTER TABLE "limits" DROP CONSTRAINT "limits_each";
--> statement-breakpoint
DROP INDEX "limits_project";
--> statement-breakpoint
DROP INDEX "series_key";
--> statement-breakpoint
DROP INDEX "series_project";
--> statement-breakpoint
ALTER TABLE "limits" ADD COLUMN "organization_id" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "limits" ADD COLUMN "team_id" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "limits" ADD COLUMN "member_id" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "series" ADD COLUMN "organization_id" text COLLATE "C" DEFAULT '' NOT NULL;
--> statement-breakpoint
ALTER TABLE "series" ADD COLUMN "team_ids" text COLLATE "C" DEFAULT '' NOT NULL;
--> statement-breakpoint
ALTER TABLE "limits" ADD CONSTRAINT "limits_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "limits" ADD CONSTRAINT "limits_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "teams"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "limits" ADD CONSTRAINT "limits_member_id_users_id_fk" FOREIGN KEY ("member_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE UNIQUE INDEX "limits_organization" ON "limits" USING btree ("organization_id","metric","period","window_ms","models","each") WHERE "member_id" IS NULL;
--> statement-breakpoint
CREATE UNIQUE INDEX "limits_team" ON "limits" USING btree ("team_id","metric","period","window_ms","models","each");
--> statement-breakpoint
CREATE UNIQUE INDEX "limits_project_member" ON "limits" USING btree ("project_id","member_id","metric","period","window_ms","models","each");
--> statement-breakpoint
CREATE UNIQUE INDEX "limits_organization_member" ON "limits" USING btree ("organization_id","member_id","metric","period","window_ms","models","each");
--> statement-breakpoint
CREATE INDEX "limits_member" ON "limits" USING btree ("member_id");
--> statement-breakpoint
CREATE INDEX "series_organization" ON "series" USING btree ("organization_id","end_user","pending","user_id","team_ids");
--> statement-breakpoint
CREATE UNIQUE INDEX "limits_project" ON "limits" USING btree ("project_id","metric","period","window_ms","models","each") WHERE "member_id" IS NULL;
--> statement-breakpoint
CREATE UNIQUE INDEX "series_key" ON "series" USING btree ("key_id","end_user","pending","user_id","project_id","ingest","organization_id","team_ids");
--> statement-breakpoint
CREATE INDEX "series_project" ON "series" USING btree ("project_id","end_user","pending","user_id");
--> statement-breakpoint
ALTER TABLE "limits" ADD CONSTRAINT "limits_member" CHECK ("member_id" IS NULL OR "project_id" IS NOT NULL OR "organization_id" IS NOT NULL);
--> statement-breakpoint
ALTER TABLE "limits" ADD CONSTRAINT "limits_subject" CHECK (("key_id" IS NOT NULL)::int + ("user_id" IS NOT NULL)::int + ("project_id" IS NOT NULL)::int + ("organization_id" IS NOT NULL)::int + ("team_id" IS NOT NULL)::int = 1);
--> statement-breakpoint
ALTER TABLE "limits" ADD CONSTRAINT "limits_each" CHECK ("each" = 0 OR ("each" = 1 AND "user_id" IS NULL AND "member_id" IS NULL));
--> statement-breakpoint
-- What was used before belongs to the organization that owns the project now, and to the teams that the user is in now.
UPDATE series SET organization_id = p.organization_id FROM projects p
WHERE p.id = series.project_id AND p.organization_id IS NOT NULL AND series.pending = 0;
--> statement-breakpoint
UPDATE series SET team_ids = coalesce((SELECT string_agg(m.team_id, ' ' ORDER BY m.team_id) FROM team_members m
  JOIN teams t ON t.id = m.team_id WHERE m.user_id = series.user_id AND t.organization_id = series.organization_id), '')
WHERE organization_id <> '';
