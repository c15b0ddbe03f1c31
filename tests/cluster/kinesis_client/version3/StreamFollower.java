import com.amazonaws.services.dynamodbv2.streamsadapter.AmazonDynamoDBStreamsAdapterClient;
import com.amazonaws.services.dynamodbv2.streamsadapter.StreamsSchedulerFactory;
import com.amazonaws.services.dynamodbv2.streamsadapter.model.DynamoDBStreamsProcessRecordsInput;
import com.amazonaws.services.dynamodbv2.streamsadapter.polling.DynamoDBStreamsPollingConfig;
import com.amazonaws.services.dynamodbv2.streamsadapter.processor.DynamoDBStreamsShardRecordProcessor;
import java.io.IOException;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.streams.DynamoDbStreamsClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;

/**
 * Follows a stream with version 3 of the Kinesis Client Library and its adapter for DynamoDB
 * Streams. What comes in and what goes out is as for version 1.
 */
public final class StreamFollower {
  private static final long PAUSE_MILLISECONDS = 200;
  private static final long FAILOVER_MILLISECONDS = 2_000;
  private static final long STOP_SECONDS = 25;
  private static final Region REGION = Region.US_EAST_1;

  private StreamFollower() {}

  /** One shard's records, each printed and then checkpointed. */
  private static final class Printer implements DynamoDBStreamsShardRecordProcessor {
    private String shard;

    @Override
    public void initialize(InitializationInput input) {
      shard = input.shardId();
      say("begun " + shard + " " + input.extendedSequenceNumber().sequenceNumber());
    }

    @Override
    public void processRecords(DynamoDBStreamsProcessRecordsInput input) {
      for (var each : input.records()) {
        var record = each.getRecord();
        var change = record.dynamodb();
        say(
            String.join(
                " ",
                "record",
                shard,
                change.sequenceNumber(),
                record.eventNameAsString(),
                change.keys().get("pk").s(),
                change.newImage().get("n").n()));
      }
      checkpoint(input.checkpointer());
    }

    @Override
    public void leaseLost(LeaseLostInput input) {
      say("lost " + shard);
    }

    @Override
    public void shardEnded(ShardEndedInput input) {
      say("ended " + shard);
      checkpoint(input.checkpointer());
    }

    @Override
    public void shutdownRequested(ShutdownRequestedInput input) {
      checkpoint(input.checkpointer());
    }

    private static void checkpoint(RecordProcessorCheckpointer checkpointer) {
      try {
        checkpointer.checkpoint();
      } catch (Exception error) {
        throw new IllegalStateException(error);
      }
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  /** A client of the server at this address. */
  private static <B extends AwsClientBuilder<B, C>, C> C client(B builder, String address) {
    var credentials = AwsBasicCredentials.create("AKIASTATORTESTS00001", "any");
    return builder
        .endpointOverride(URI.create(address))
        .region(REGION)
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .build();
  }

  private static Scheduler scheduler(String address, String arn, String application) {
    var streams = client(DynamoDbStreamsClient.builder(), address);
    var adapter = new AmazonDynamoDBStreamsAdapterClient(streams, REGION);
    var start =
        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON);
    var configs =
        new ConfigsBuilder(
            StreamsSchedulerFactory.createSingleStreamTracker(arn, start),
            application,
            adapter,
            client(DynamoDbAsyncClient.builder(), address),
            client(CloudWatchAsyncClient.builder(), address),
            "worker",
            Printer::new);
    var polling = new DynamoDBStreamsPollingConfig(adapter);
    polling.idleTimeBetweenReadsInMillis(PAUSE_MILLISECONDS);
    return StreamsSchedulerFactory.createScheduler(
        configs.checkpointConfig(),
        configs
            .coordinatorConfig()
            .parentShardPollIntervalMillis(PAUSE_MILLISECONDS)
            .shardConsumerDispatchPollIntervalMillis(PAUSE_MILLISECONDS),
        configs
            .leaseManagementConfig()
            .failoverTimeMillis(FAILOVER_MILLISECONDS)
            .shardSyncIntervalMillis(PAUSE_MILLISECONDS)
            .leaseAssignmentIntervalMillis(FAILOVER_MILLISECONDS)
            .leasesRecoveryAuditorExecutionFrequencyMillis(FAILOVER_MILLISECONDS),
        configs.lifecycleConfig(),
        configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
        configs.processorConfig(),
        configs.retrievalConfig().retrievalSpecificConfig(polling),
        adapter);
  }

  public static void main(String[] arguments) throws Exception {
    var scheduler = scheduler(arguments[0], arguments[1], arguments[2]);
    var running = new Thread(scheduler);
    running.start();
    waitForEndOfInput();
    scheduler.startGracefulShutdown().get(STOP_SECONDS, TimeUnit.SECONDS);
    System.exit(0);
  }

  private static void waitForEndOfInput() throws IOException {
    while (System.in.read() != -1) {
      continue;
    }
  }
}
