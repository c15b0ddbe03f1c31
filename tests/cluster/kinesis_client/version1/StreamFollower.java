import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDB;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBClientBuilder;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBStreams;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBStreamsClientBuilder;
import com.amazonaws.services.dynamodbv2.streamsadapter.AmazonDynamoDBStreamsAdapterClient;
import com.amazonaws.services.dynamodbv2.streamsadapter.StreamsWorkerFactory;
import com.amazonaws.services.dynamodbv2.streamsadapter.model.RecordAdapter;
import com.amazonaws.services.kinesis.clientlibrary.interfaces.v2.IRecordProcessor;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.InitialPositionInStream;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.KinesisClientLibConfiguration;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.ShutdownReason;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.Worker;
import com.amazonaws.services.kinesis.clientlibrary.types.InitializationInput;
import com.amazonaws.services.kinesis.clientlibrary.types.ProcessRecordsInput;
import com.amazonaws.services.kinesis.clientlibrary.types.ShutdownInput;
import com.amazonaws.services.kinesis.metrics.impl.NullMetricsFactory;
import java.io.IOException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Follows a stream with version 1 of the Kinesis Client Library and its adapter for DynamoDB
 * Streams.
 *
 * <p>In: the server's address, the stream's ARN, the name of the application (its table of leases).
 * Out, on standard output, a line for each record ("record SHARD NUMBER EVENT KEY N") and for each
 * shard that is begun or at its end. Ends when standard input does. Everything else is the library's
 * own, but for pauses, which are short.
 */
public final class StreamFollower {
  private static final long PAUSE_MILLISECONDS = 200;
  private static final long STOP_SECONDS = 20;

  private StreamFollower() {}

  /** One shard's records, each printed and then checkpointed. */
  private static final class Printer implements IRecordProcessor {
    private String shard;

    @Override
    public void initialize(InitializationInput input) {
      shard = input.getShardId();
      say("begun " + shard + " " + input.getExtendedSequenceNumber().getSequenceNumber());
    }

    @Override
    public void processRecords(ProcessRecordsInput input) {
      for (var each : input.getRecords()) {
        var record = ((RecordAdapter) each).getInternalObject();
        var change = record.getDynamodb();
        say(
            String.join(
                " ",
                "record",
                shard,
                change.getSequenceNumber(),
                record.getEventName(),
                change.getKeys().get("pk").getS(),
                change.getNewImage().get("n").getN()));
      }
      try {
        input.getCheckpointer().checkpoint();
      } catch (Exception error) {
        throw new IllegalStateException(error);
      }
    }

    @Override
    public void shutdown(ShutdownInput input) {
      if (input.getShutdownReason() != ShutdownReason.TERMINATE) {
        return;
      }
      say("ended " + shard);
      try {
        input.getCheckpointer().checkpoint();
      } catch (Exception error) {
        throw new IllegalStateException(error);
      }
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  public static void main(String[] arguments) throws Exception {
    var endpoint = new EndpointConfiguration(arguments[0], "us-east-1");
    var credentials =
        new AWSStaticCredentialsProvider(new BasicAWSCredentials("AKIASTATORTESTS00001", "any"));
    AmazonDynamoDB tables =
        AmazonDynamoDBClientBuilder.standard()
            .withEndpointConfiguration(endpoint)
            .withCredentials(credentials)
            .build();
    AmazonDynamoDBStreams streams =
        AmazonDynamoDBStreamsClientBuilder.standard()
            .withEndpointConfiguration(endpoint)
            .withCredentials(credentials)
            .build();
    var configuration =
        new KinesisClientLibConfiguration(arguments[2], arguments[1], credentials, "worker")
            .withInitialPositionInStream(InitialPositionInStream.TRIM_HORIZON)
            .withIdleTimeBetweenReadsInMillis(PAUSE_MILLISECONDS)
            .withParentShardPollIntervalMillis(PAUSE_MILLISECONDS)
            .withShardSyncIntervalMillis(PAUSE_MILLISECONDS)
            .withTaskBackoffTimeMillis(PAUSE_MILLISECONDS)
            .withFailoverTimeMillis(4 * PAUSE_MILLISECONDS);
    Worker worker =
        StreamsWorkerFactory.createDynamoDbStreamsWorker(
            Printer::new,
            configuration,
            new AmazonDynamoDBStreamsAdapterClient(streams),
            tables,
            new NullMetricsFactory(),
            Executors.newCachedThreadPool());
    var running = new Thread(worker);
    running.start();
    waitForEndOfInput();
    worker.startGracefulShutdown().get(STOP_SECONDS, TimeUnit.SECONDS);
    System.exit(0);
  }

  private static void waitForEndOfInput() throws IOException {
    while (System.in.read() != -1) {
      continue;
    }
  }
}
