"""What pods say to each other: frames over TCP, many partitions' messages in one write."""
