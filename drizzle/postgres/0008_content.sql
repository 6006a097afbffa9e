CREATE TABLE "agent_files" (
	"project_id" text COLLATE "C" NOT NULL,
	"path" text COLLATE "C" NOT NULL,
	"position" bigint NOT NULL,
	CONSTRAINT "agent_files_pk" PRIMARY KEY("project_id","path"),
	CONSTRAINT "agent_files_position_form" CHECK ("position" > 0),
	CONSTRAINT "agent_files_path_form" CHECK (length("path") BETWEEN 1 AND 1024 AND '/' || "path" || '/' NOT SIMILAR TO '%//%' AND '/' || "path" || '/' NOT SIMILAR TO '%/../%')
);
--> statement-breakpoint
CREATE TABLE "agent_messages" (
	"project_id" text COLLATE "C" NOT NULL,
	"position" bigint NOT NULL,
	"role" text COLLATE "C" NOT NULL,
	"content" text COLLATE "C" NOT NULL,
	"at" bigint NOT NULL,
	CONSTRAINT "agent_messages_pk" PRIMARY KEY("project_id","position"),
	CONSTRAINT "agent_messages_position" CHECK ("position" > 0),
	CONSTRAINT "agent_messages_role" CHECK ("role" IN ('user', 'assistant', 'system'))
);
--> statement-breakpoint
CREATE TABLE "agent_phases" (
	"project_id" text COLLATE "C" NOT NULL,
	"position" bigint NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"description" text COLLATE "C",
	"files" text COLLATE "C" NOT NULL,
	"is_last" bigint NOT NULL,
	"completed_at" bigint,
	CONSTRAINT "agent_phases_pk" PRIMARY KEY("project_id","position"),
	CONSTRAINT "agent_phases_position" CHECK ("position" > 0),
	CONSTRAINT "agent_phases_files" CHECK (latchkey_is_json("files") AND latchkey_json_type("files") = 'array'),
	CONSTRAINT "agent_phases_is_last" CHECK ("is_last" IN (0, 1))
);
--> statement-breakpoint
CREATE TABLE "agent_states" (
	"project_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"current_state" text COLLATE "C" DEFAULT 'idle' NOT NULL,
	"current_phase" text COLLATE "C",
	"sandbox_id" text COLLATE "C",
	"preview_url" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "agent_states_form" CHECK (length("current_state") BETWEEN 1 AND 100)
);
--> statement-breakpoint
CREATE TABLE "file_contents" (
	"sha256" text COLLATE "C" PRIMARY KEY NOT NULL,
	"bytes" "bytea" NOT NULL,
	"size" bigint NOT NULL,
	CONSTRAINT "file_contents_sha256" CHECK (length("sha256") = 64 AND "sha256" NOT SIMILAR TO '%[^0-9a-f]%'),
	CONSTRAINT "file_contents_size" CHECK ("size" BETWEEN 0 AND 16777216)
);
--> statement-breakpoint
CREATE TABLE "file_history" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"project_id" text COLLATE "C" NOT NULL,
	"path" text COLLATE "C" NOT NULL,
	"action" text COLLATE "C" NOT NULL,
	"previous_path" text COLLATE "C",
	"sha256" text COLLATE "C",
	"size" bigint,
	"actor" text COLLATE "C" NOT NULL,
	"at" bigint NOT NULL,
	CONSTRAINT "file_history_id" CHECK ("id" SIMILAR TO 'fch\_%' AND length("id") = 30),
	CONSTRAINT "file_history_action" CHECK ("action" IN ('added', 'changed', 'removed', 'moved')),
	CONSTRAINT "file_history_content" CHECK (("sha256" IS NULL) = ("size" IS NULL))
);
--> statement-breakpoint
CREATE TABLE "imported_files" (
	"source" text COLLATE "C" NOT NULL,
	"foreign_id" text COLLATE "C" NOT NULL,
	"project_id" text COLLATE "C" NOT NULL,
	"import_id" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	CONSTRAINT "imported_files_pk" PRIMARY KEY("source","foreign_id"),
	CONSTRAINT "imported_files_state_json" CHECK (latchkey_is_json("state"))
);
--> statement-breakpoint
CREATE TABLE "project_files" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"project_id" text COLLATE "C" NOT NULL,
	"path" text COLLATE "C" NOT NULL,
	"sha256" text COLLATE "C" NOT NULL,
	"size" bigint NOT NULL,
	"media_type" text COLLATE "C" NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "project_files_id" CHECK ("id" SIMILAR TO 'fil\_%' AND length("id") = 30),
	CONSTRAINT "project_files_path_form" CHECK (length("path") BETWEEN 1 AND 1024 AND '/' || "path" || '/' NOT SIMILAR TO '%//%' AND '/' || "path" || '/' NOT SIMILAR TO '%/../%'),
	CONSTRAINT "project_files_size" CHECK ("size" BETWEEN 0 AND 16777216)
);
--> statement-breakpoint
ALTER TABLE "agent_files" ADD CONSTRAINT "agent_files_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "agent_messages" ADD CONSTRAINT "agent_messages_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "agent_phases" ADD CONSTRAINT "agent_phases_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "agent_states" ADD CONSTRAINT "agent_states_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "file_history" ADD CONSTRAINT "file_history_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "imported_files" ADD CONSTRAINT "imported_files_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "imported_files" ADD CONSTRAINT "imported_files_import_id_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "imports"("id") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "project_files" ADD CONSTRAINT "project_files_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "project_files" ADD CONSTRAINT "project_files_sha256_file_contents_sha256_fk" FOREIGN KEY ("sha256") REFERENCES "file_contents"("sha256") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
CREATE UNIQUE INDEX "agent_files_position" ON "agent_files" USING btree ("project_id","position");
--> statement-breakpoint
CREATE INDEX "file_history_project" ON "file_history" USING btree ("project_id","id");
--> statement-breakpoint
CREATE INDEX "file_history_path" ON "file_history" USING btree ("project_id","path","id");
--> statement-breakpoint
CREATE INDEX "imported_files_project" ON "imported_files" USING btree ("project_id");
--> statement-breakpoint
CREATE INDEX "imported_files_import" ON "imported_files" USING btree ("import_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "project_files_path" ON "project_files" USING btree ("project_id","path");
--> statement-breakpoint
CREATE INDEX "project_files_sha256" ON "project_files" USING btree ("sha256");
--> statement-breakpoint
DROP INDEX "message_words";
--> statement-breakpoint
CREATE OR REPLACE FUNCTION latchkey_words(content text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
  -- The types of parts are no words that somebody said. In the text of jsonb, a key stands after a brace or a space.
  RETURN pg_catalog.jsonb_to_tsvector('pg_catalog.simple',
    pg_catalog.regexp_replace(content::jsonb::text, '([{ ])"type": "(?:[^"\\]|\\.)*"', '\1"type": 0', 'g')::jsonb, '["string"]');
EXCEPTION WHEN program_limit_exceeded OR untranslatable_character THEN
  -- More words than PostgreSQL takes, or NUL: the beginning is found.
  RETURN pg_catalog.to_tsvector('pg_catalog.simple', pg_catalog.left(content, 200000));
END $$;
--> statement-breakpoint
CREATE INDEX "message_words" ON "messages" USING gin (latchkey_words("content"));
