// SPDX-License-Identifier: BSD-2-Clause
// Trino in one process, with a catalog `hive` over the files of a folder: prints its URL, ends with its standard input.
import io.trino.plugin.hive.HivePlugin;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.TestingSession;
import java.util.Map;

class Serve {
	public static void main(String[] args) throws Exception {
		var out = System.out; // Trino's log takes its place
		var runner = DistributedQueryRunner.builder(TestingSession.testSessionBuilder().build()).setWorkerCount(0).build();
		runner.installPlugin(new HivePlugin());
		runner.createCatalog("hive", "hive", Map.of(
			"hive.metastore", "file",
			"hive.metastore.catalog.dir", "local:///metastore",
			"fs.local.enabled", "true",
			"local.location", args[0],
			"hive.non-managed-table-writes-enabled", "true"));
		out.println("serves " + runner.getCoordinator().getBaseUrl());
		out.flush();
		while (System.in.read() >= 0);
		System.exit(0);
	}
}
