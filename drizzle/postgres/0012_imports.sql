CREATE TABLE "imported_rows" (
	"import_id" text COLLATE "C" NOT NULL,
	"type" text COLLATE "C" NOT NULL,
	"foreign_id" text COLLATE "C" NOT NULL,
	"target_id" text COLLATE "C" NOT NULL,
	"user_id" text COLLATE "C",
	"action" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"after" text COLLATE "C" NOT NULL,
	"before" text COLLATE "C",
	CONSTRAINT "imported_rows_pk" PRIMARY KEY("import_id","type","foreign_id"),
	CONSTRAINT "imported_rows_action" CHECK ("action" IN ('created', 'updated', 'linked')),
	CONSTRAINT "imported_rows_json" CHECK (latchkey_is_json("state") AND latchkey_is_json("after") AND ("before" IS NULL OR latchkey_is_json("before")))
);
--> statement-breakpoint
ALTER TABLE "imported_rows" ADD CONSTRAINT "imported_rows_import_id_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "imports"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "imported_rows" ADD CONSTRAINT "imported_rows_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "imported_rows_user" ON "imported_rows" USING btree ("user_id");
