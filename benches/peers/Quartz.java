// Quartz with its JDBC store on HSQLDB, every commit synced. Create: one schedule at a time, as the interface has it.
// Fire: all are due, 10 threads, batches of up to 100 taken at once. Start: a new scheduler on the same tables.

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.Comparator;
import java.util.Date;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

public class Quartz {
    static CountDownLatch left;

    public static class Note implements Job {
        public void execute(JobExecutionContext context) {
            left.countDown();
        }
    }

    static Scheduler scheduler(String url, String name) throws Exception {
        Properties set = new Properties();
        set.put("org.quartz.scheduler.instanceName", name);
        set.put("org.quartz.scheduler.skipUpdateCheck", "true");
        set.put("org.quartz.scheduler.batchTriggerAcquisitionMaxCount", "100");
        set.put("org.quartz.threadPool.threadCount", "10");
        set.put("org.quartz.jobStore.class", "org.quartz.impl.jdbcjobstore.JobStoreTX");
        set.put("org.quartz.jobStore.driverDelegateClass", "org.quartz.impl.jdbcjobstore.HSQLDBDelegate");
        set.put("org.quartz.jobStore.misfireThreshold", "86400000");
        set.put("org.quartz.jobStore.acquireTriggersWithinLock", "true");
        set.put("org.quartz.jobStore.dataSource", "store");
        set.put("org.quartz.dataSource.store.driver", "org.hsqldb.jdbc.JDBCDriver");
        set.put("org.quartz.dataSource.store.URL", url);
        set.put("org.quartz.dataSource.store.user", "SA");
        set.put("org.quartz.dataSource.store.password", "");
        set.put("org.quartz.dataSource.store.maxConnections", "15");
        return new StdSchedulerFactory(set).getScheduler();
    }

    static void tables(String url) throws Exception {
        String text;
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                Scheduler.class.getResourceAsStream("/org/quartz/impl/jdbcjobstore/tables_hsqldb.sql")))) {
            text = in.lines().filter(line -> !line.trim().startsWith("--")).collect(Collectors.joining("\n"));
        }
        try (Connection to = DriverManager.getConnection(url, "SA", ""); Statement say = to.createStatement()) {
            for (String one : text.split(";")) {
                String trimmed = one.trim().replace("CREATE TABLE", "CREATE CACHED TABLE");
                if (!trimmed.isEmpty() && !trimmed.equalsIgnoreCase("commit") && !trimmed.startsWith("DROP")) {
                    say.execute(trimmed);
                }
            }
            say.execute("SET FILES WRITE DELAY FALSE");
        }
    }

    static void create(Scheduler scheduler, int count, Date due) throws Exception {
        for (int number = 0; number < count; number++) {
            scheduler.scheduleJob(
                JobBuilder.newJob(Note.class).withIdentity("schedule-" + number).build(),
                TriggerBuilder.newTrigger().withIdentity("schedule-" + number).startAt(due).build());
        }
    }

    static long size(File folder) {
        long sum = 0;
        for (File file : folder.listFiles()) {
            sum += file.isFile() ? file.length() : 0;
        }
        return sum;
    }

    static void remove(File folder) throws Exception {
        if (folder.exists()) {
            try (java.util.stream.Stream<java.nio.file.Path> all = java.nio.file.Files.walk(folder.toPath())) {
                all.sorted(Comparator.reverseOrder()).map(java.nio.file.Path::toFile).forEach(File::delete);
            }
        }
    }

    public static void main(String[] given) throws Exception {
        int count = Integer.parseInt(given[0]);
        File folder = new File(given[1]);
        remove(folder);
        String url = "jdbc:hsqldb:file:" + folder.getPath() + "/store";
        tables(url);
        Scheduler first = scheduler(url, "peer");
        long begun = System.nanoTime();
        create(first, count, new Date(System.currentTimeMillis() + 86_400_000L));
        double created = count / ((System.nanoTime() - begun) / 1e9);
        first.shutdown(true);
        try (Connection to = DriverManager.getConnection(url, "SA", ""); Statement say = to.createStatement()) {
            say.execute("CHECKPOINT");
        }
        long bytes = size(folder) / count;

        begun = System.nanoTime();
        Scheduler again = scheduler(url, "peer");
        again.start();
        again.getMetaData();
        long startMs = (System.nanoTime() - begun) / 1_000_000;
        again.clear();

        again.standby();
        left = new CountDownLatch(count);
        create(again, count, new Date());
        begun = System.nanoTime();
        again.start();
        left.await();
        while (!again.getTriggerKeys(org.quartz.impl.matchers.GroupMatcher.anyTriggerGroup()).isEmpty()) {
            Thread.sleep(1);
        }
        double fired = count / ((System.nanoTime() - begun) / 1e9);
        String version = again.getMetaData().getVersion();
        again.shutdown(true);
        remove(folder);
        System.out.println("Quartz|" + version + ", HSQLDB|" + Math.round(created) + "|" + Math.round(fired) + "|" + bytes
            + "|" + startMs);
        System.exit(0);
    }
}
