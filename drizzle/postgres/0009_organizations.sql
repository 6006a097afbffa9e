CREATE TABLE "invitations" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"organization_id" text COLLATE "C" NOT NULL,
	"email" text COLLATE "C" NOT NULL,
	"role" text COLLATE "C" NOT NULL,
	"team_id" text COLLATE "C",
	"status" text COLLATE "C" NOT NULL,
	"token_hash" text COLLATE "C",
	"inviter_id" text COLLATE "C",
	"expires_at" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "invitations_id" CHECK ("id" SIMILAR TO 'inv\_%' AND length("id") = 30),
	CONSTRAINT "invitations_status" CHECK ("status" IN ('pending', 'accepted', 'rejected', 'canceled')),
	CONSTRAINT "invitations_email_form" CHECK ("email" SIMILAR TO '_%@_%'),
	CONSTRAINT "invitations_role_form" CHECK (length("role") > 0),
	CONSTRAINT "invitations_token_form" CHECK ("token_hash" IS NULL OR length("token_hash") = 64 AND "token_hash" NOT SIMILAR TO '%[^0-9a-f]%')
);
--> statement-breakpoint
CREATE TABLE "organization_members" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"organization_id" text COLLATE "C" NOT NULL,
	"user_id" text COLLATE "C" NOT NULL,
	"role" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "organization_members_id" CHECK ("id" SIMILAR TO 'mem\_%' AND length("id") = 30),
	CONSTRAINT "organization_members_role_form" CHECK (length("role") > 0)
);
--> statement-breakpoint
CREATE TABLE "roles" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"organization_id" text COLLATE "C",
	"name" text COLLATE "C" NOT NULL,
	"permissions" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "roles_id" CHECK ("id" SIMILAR TO 'rol\_%' AND length("id") = 30),
	CONSTRAINT "roles_name_form" CHECK (length("name") BETWEEN 1 AND 100 AND "name" NOT SIMILAR TO 'rol\_%' AND "name" NOT SIMILAR TO '%,%'),
	CONSTRAINT "roles_permissions_json" CHECK (CASE WHEN latchkey_is_json("permissions") THEN latchkey_json_type("permissions") = 'array' ELSE 1 = 0 END)
);
--> statement-breakpoint
CREATE TABLE "team_members" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"team_id" text COLLATE "C" NOT NULL,
	"user_id" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "team_members_id" CHECK ("id" SIMILAR TO 'tmm\_%' AND length("id") = 30)
);
--> statement-breakpoint
CREATE TABLE "teams" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"organization_id" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "teams_id" CHECK ("id" SIMILAR TO 'tea\_%' AND length("id") = 30),
	CONSTRAINT "teams_name_form" CHECK (length("name") BETWEEN 1 AND 200 AND "name" NOT SIMILAR TO 'tea\_%')
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"slug" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"logo" text COLLATE "C",
	"metadata" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "organizations_id" CHECK ("id" SIMILAR TO 'org\_%' AND length("id") = 30),
	CONSTRAINT "organizations_slug_form" CHECK (length("slug") BETWEEN 1 AND 200 AND "slug" NOT SIMILAR TO 'org\_%'),
	CONSTRAINT "organizations_name_form" CHECK (length("name") > 0),
	CONSTRAINT "organizations_metadata_json" CHECK ("metadata" IS NULL OR latchkey_is_json("metadata"))
);
--> statement-breakpoint
ALTER TABLE "project_members" DROP CONSTRAINT "project_members_role";
--> statement-breakpoint
ALTER TABLE "projects" ALTER COLUMN "owner_id" DROP NOT NULL;
--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "organization_id" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "state" text COLLATE "C" DEFAULT 'idle' NOT NULL;
--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "preview_url" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "sandbox_id" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "teams"("id") ON DELETE set null ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_inviter_id_users_id_fk" FOREIGN KEY ("inviter_id") REFERENCES "users"("id") ON DELETE set null ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "organization_members" ADD CONSTRAINT "organization_members_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "organization_members" ADD CONSTRAINT "organization_members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "roles" ADD CONSTRAINT "roles_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "teams"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "teams" ADD CONSTRAINT "teams_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_token" ON "invitations" USING btree ("token_hash");
--> statement-breakpoint
CREATE INDEX "invitations_organization" ON "invitations" USING btree ("organization_id","id");
--> statement-breakpoint
CREATE INDEX "invitations_email" ON "invitations" USING btree (lower("email"));
--> statement-breakpoint
CREATE INDEX "invitations_team" ON "invitations" USING btree ("team_id");
--> statement-breakpoint
CREATE INDEX "invitations_inviter" ON "invitations" USING btree ("inviter_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "organization_members_pair" ON "organization_members" USING btree ("organization_id","user_id");
--> statement-breakpoint
CREATE INDEX "organization_members_role" ON "organization_members" USING btree ("organization_id","role");
--> statement-breakpoint
CREATE INDEX "organization_members_user" ON "organization_members" USING btree ("user_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "roles_name" ON "roles" USING btree ("organization_id",lower("name"));
--> statement-breakpoint
CREATE UNIQUE INDEX "roles_name_of_all" ON "roles" USING btree (lower("name")) WHERE "organization_id" IS NULL;
--> statement-breakpoint
CREATE UNIQUE INDEX "team_members_pair" ON "team_members" USING btree ("team_id","user_id");
--> statement-breakpoint
CREATE INDEX "team_members_user" ON "team_members" USING btree ("user_id");
--> statement-breakpoint
CREATE INDEX "teams_name" ON "teams" USING btree ("organization_id",lower("name"));
--> statement-breakpoint
CREATE UNIQUE INDEX "organizations_slug" ON "organizations" USING btree (lower("slug"));
--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "projects_organization" ON "projects" USING btree ("organization_id");
--> statement-breakpoint
ALTER TABLE "project_members" ADD CONSTRAINT "project_members_role_form" CHECK (length("role") > 0);
--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_one_owner" CHECK (("owner_id" IS NOT NULL)::int + ("organization_id" IS NOT NULL)::int = 1);
--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_state" CHECK ("state" IN ('idle', 'generating', 'complete', 'error'));
--> statement-breakpoint
INSERT INTO "roles" ("id", "organization_id", "name", "permissions", "created_at", "updated_at") VALUES
  ('rol_00000000000000000000000001', NULL, 'owner', '["*"]', 0, 0),
  ('rol_00000000000000000000000002', NULL, 'admin', '["org:read","org:write","member:*","invitation:*","team:*","role:*","project:*","key:*","limit:*","usage:*","file:*","state:*","chat:*"]', 0, 0),
  ('rol_00000000000000000000000003', NULL, 'member', '["org:read","member:read","team:read","role:read","project:read","project:write","key:read","limit:read","usage:read","file:*","state:*","chat:*"]', 0, 0),
  ('rol_00000000000000000000000004', NULL, 'viewer', '["org:read","member:read","team:read","role:read","project:read","key:read","limit:read","usage:read","file:read","state:read","chat:read"]', 0, 0);
